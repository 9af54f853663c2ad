#include "platform/https/transfer.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "foundation/crypto/certificate.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/files.h"

namespace posthorn::https {
namespace {

constexpr Duration kConnectTimeMax = std::chrono::seconds(30);
constexpr std::size_t kCaFileOctetsMax = 4 * MiB;
constexpr int kHandshakeFailed = 0;

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeCurl>;

void append(List& list, const std::string& text) {
  curl_slist* const present = list.release();
  curl_slist* const longer = curl_slist_append(present, text.c_str());
  list.reset(longer != nullptr ? longer : present);
}

long milliseconds(Duration duration) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

/// One request's state, which libcurl's callbacks fill.
class Exchange {
 public:
  explicit Exchange(const Transfer& transfer) : transfer_(transfer), curl_(curl_easy_init()) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Result<Response, Failure> run() {
    if (!curl_) return fail(Failure{.kind = FailureKind::busy, .reason = "no memory for a request"});
    set_target();
    set_trust();
    set_request();
    set_bounds();
    const CURLcode code = curl_easy_perform(curl_.get());
    note_connection();
    if (code != CURLE_OK) return fail(failure_of(code));
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(curl_.get(), option, value);
  }

  void set_target() {
    const Request& request = transfer_.request;
    const std::string url = fmt::format("https://{}:{}{}", request.host, request.port, request.path);
    set(CURLOPT_URL, url.c_str());
    std::string pinned = fmt::format("{}:{}:", request.host, request.port);
    for (const IpAddress& address : transfer_.addresses) {
      if (!pinned.ends_with(':')) pinned += ',';
      pinned += address.is_v4() ? address.text() : fmt::format("[{}]", address.text());
    }
    append(resolve_, pinned);
    set(CURLOPT_RESOLVE, resolve_.get());
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_OPENSOCKETFUNCTION, &Exchange::open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
  }

  void set_trust() {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (!transfer_.options.use_system_store) {
      set(CURLOPT_CAINFO, transfer_.options.ca_file.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    set(CURLOPT_SSL_CTX_FUNCTION, &Exchange::prepare_tls);
    set(CURLOPT_SSL_CTX_DATA, this);
  }

  void set_request() {
    const Request& request = transfer_.request;
    append(headers_, "Expect:");
    for (const auto& [name, value] : request.headers) append(headers_, fmt::format("{}: {}", name, value));
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_USERAGENT, transfer_.options.user_agent.c_str());
    if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (request.method != "POST") return;
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }

  void set_bounds() {
    set(CURLOPT_TIMEOUT_MS, milliseconds(transfer_.request.time_max));
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(std::min(transfer_.request.time_max, kConnectTimeMax)));
    set(CURLOPT_WRITEFUNCTION, &Exchange::take_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Exchange::take_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Exchange::is_to_end);
    set(CURLOPT_XFERINFODATA, this);
  }

  void note_connection() {
    char* address = nullptr;
    long port = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(curl_.get(), CURLINFO_PRIMARY_PORT, &port);
    const auto parsed = IpAddress::parse(address == nullptr ? "" : address);
    if (!parsed) return;
    facts_.address = parsed->is_v4() ? fmt::format("{}:{}", address, port) : fmt::format("[{}]:{}", address, port);
    response_.connection = facts_;
  }

  Failure failure_of(CURLcode code) {
    Failure failure{.kind = kind_of(code), .connection = facts_};
    failure.reason = error_.front() == '\0' ? curl_easy_strerror(code) : error_.data();
    if (failure.kind == FailureKind::certificate && certificate_error_ != X509_V_OK)
      failure.reason = X509_verify_cert_error_string(certificate_error_);
    if (failure.kind == FailureKind::too_large)
      failure.reason = fmt::format("the answer is larger than {} octets", transfer_.request.octets_max);
    return failure;
  }

  [[nodiscard]] FailureKind kind_of(CURLcode code) const {
    if (too_large_) return FailureKind::too_large;
    if (certificate_error_ != X509_V_OK || code == CURLE_PEER_FAILED_VERIFICATION) return FailureKind::certificate;
    switch (code) {
      case CURLE_COULDNT_CONNECT:
        return FailureKind::connect;
      case CURLE_OPERATION_TIMEDOUT:
        return FailureKind::timeout;
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_SSL_CIPHER:
        return FailureKind::tls;
      case CURLE_ABORTED_BY_CALLBACK:
        return FailureKind::busy;
      default:
        return FailureKind::protocol;
    }
  }

  // ---- called by libcurl; C functions, so nothing may be thrown out of them

  /// Only to the addresses that were looked at, from the address that is to be seen.
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* to) {
    const auto* exchange = static_cast<const Exchange*>(self);
    if (purpose != CURLSOCKTYPE_IPCXN || !exchange->may_connect(to->addr)) return CURL_SOCKET_BAD;
    const int socket = ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (socket >= 0 && !exchange->bind_source(socket, to->family)) {
      ::close(socket);
      return CURL_SOCKET_BAD;
    }
    return socket;
  }

  [[nodiscard]] bool may_connect(const sockaddr& to) const {
    std::array<char, INET6_ADDRSTRLEN> words{};
    const void* from = to.sa_family == AF_INET
                           ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(to).sin_addr)
                           : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(to).sin6_addr);
    if (inet_ntop(to.sa_family, from, words.data(), words.size()) == nullptr) return false;
    const auto address = IpAddress::parse(words.data());
    return address && std::ranges::find(transfer_.addresses, *address) != transfer_.addresses.end();
  }

  [[nodiscard]] bool bind_source(int socket, int family) const {
    const auto& sources = transfer_.options.source;
    const auto source =
        std::ranges::find_if(sources, [&](const IpAddress& each) { return each.is_v4() == (family == AF_INET); });
    if (source == sources.end()) return true;
    sockaddr_storage storage{};
    storage.ss_family = static_cast<sa_family_t>(family);
    void* into = family == AF_INET ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(storage).sin_addr)
                                   : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr);
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    return inet_pton(family, source->text().c_str(), into) == 1 &&
           ::bind(socket, reinterpret_cast<const sockaddr*>(&storage), length) == 0;
  }

  /// RFC 9525 6.3: names of the subjectAltName only (libcurl alone would take the subject's, too).
  static CURLcode prepare_tls(CURL*, void* context, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    auto* tls = static_cast<SSL_CTX*>(context);
    const ClientOptions& options = exchange->transfer_.options;
    if (options.use_system_store && !options.ca_file.empty() &&
        SSL_CTX_load_verify_file(tls, options.ca_file.c_str()) != 1)
      return CURLE_SSL_CACERT_BADFILE;
    X509_VERIFY_PARAM* parameters = SSL_CTX_get0_param(tls);
    X509_VERIFY_PARAM_set_hostflags(parameters,
                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(parameters, exchange->transfer_.request.host.c_str(), 0) != 1)
      return CURLE_SSL_CONNECT_ERROR;
    SSL_CTX_set_cert_verify_callback(tls, &Exchange::verify, self);
    return CURLE_OK;
  }

  static int verify(X509_STORE_CTX* context, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    exchange->note_chain(context);
    const bool good = X509_verify_cert(context) == 1;
    exchange->certificate_error_ = good ? X509_V_OK : X509_STORE_CTX_get_error(context);
    return good ? 1 : kHandshakeFailed;
  }

  void note_chain(X509_STORE_CTX* context) {
    facts_.chain.clear();
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
    for (int i = 0; i < sk_X509_num(sent) && facts_.chain.size() < crypto::chain_certificates_max; ++i) {
      unsigned char* der = nullptr;
      const int length = i2d_X509(sk_X509_value(sent, i), &der);
      if (length > 0) facts_.chain.emplace_back(reinterpret_cast<char*>(der), static_cast<std::size_t>(length));
      OPENSSL_free(der);
    }
  }

  static std::size_t take_body(const char* octets, std::size_t, std::size_t count, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    if (exchange->response_.body.size() + count > exchange->transfer_.request.octets_max) {
      exchange->too_large_ = true;
      return 0;
    }
    exchange->response_.body.append(octets, count);
    return count;
  }

  static std::size_t take_header(const char* octets, std::size_t, std::size_t count, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    const std::string_view line = text::trim_lines({octets, count});
    Headers& headers = exchange->response_.headers;
    // A further status line (after a 100) begins a new response.
    if (line.starts_with("HTTP/")) headers.clear();
    exchange->header_octets_ += count;
    if (exchange->header_octets_ > header_octets_max) {
      exchange->too_large_ = true;
      return 0;
    }
    const auto colon = line.find(':');
    if (colon != std::string_view::npos)
      headers.emplace_back(text::lower(line.substr(0, colon)), text::trim(line.substr(colon + 1)));
    return count;
  }

  static int is_to_end(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return *static_cast<const Exchange*>(self)->transfer_.ending ? 1 : 0;
  }

  const Transfer& transfer_;
  std::unique_ptr<CURL, FreeCurl> curl_;
  List resolve_, headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  Response response_;
  ConnectionFacts facts_;
  std::size_t header_octets_ = 0;
  int certificate_error_ = X509_V_OK;
  bool too_large_ = false;
};

}  // namespace

Result<void, Problem> prepare_transfers(const ClientOptions& options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (options.ca_file.empty()) return {};
  const auto pem = runtime::read_file(options.ca_file, kCaFileOctetsMax);
  if (!pem) return fail(pem.error());
  if (auto store = crypto::TrustStore::make(*pem, false); !store)
    return fail(Problem{ProblemKind::usage, "cannot read certificates from " + options.ca_file.string(), store.error(),
                        "tls.ca_file must be a PEM file"});
  return {};
}

Result<Response, Failure> run(const Transfer& transfer) {
  return Exchange(transfer).run();
}

}  // namespace posthorn::https
