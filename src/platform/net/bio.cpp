// OpenSSL's view of a Transport.
#include <openssl/bio.h>

#include "platform/net/transport.h"

namespace posthorn::net {
namespace {

// What BIO_eof() must answer is kept in the BIO's flags, as its own sources do.
constexpr int kEnded = 0x1000;

Transport& transport_of(BIO* bio) {
  return *static_cast<Transport*>(BIO_get_data(bio));
}

int report(BIO* bio, const Moved& moved, int retry, std::size_t* octets) {
  BIO_clear_retry_flags(bio);
  *octets = moved.octets;
  if (moved.state == Moved::State::would_block) BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  if (moved.state == Moved::State::ended) BIO_set_flags(bio, kEnded);
  return moved.state == Moved::State::done ? 1 : 0;
}

int read_ex(BIO* bio, char* into, std::size_t size, std::size_t* octets) {
  return report(bio, transport_of(bio).read({into, size}), BIO_FLAGS_READ, octets);
}

int write_ex(BIO* bio, const char* from, std::size_t size, std::size_t* octets) {
  return report(bio, transport_of(bio).write({from, size}), BIO_FLAGS_WRITE, octets);
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, kEnded) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* make_method() {
  BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "posthorn transport");
  BIO_meth_set_read_ex(method, read_ex);
  BIO_meth_set_write_ex(method, write_ex);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

BIO* make_bio(Transport& transport) {
  static BIO_METHOD* const method = make_method();
  BIO* const bio = BIO_new(method);
  BIO_set_data(bio, &transport);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace posthorn::net
