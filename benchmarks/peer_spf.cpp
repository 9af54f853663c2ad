// libspf2 at the same work as bench_trust_rates: CPU microseconds for one check, every question asked of the servers of
// /etc/resolv.conf, nothing kept.
//   peer_spf ADDRESS HELO MAIL-FROM ROUNDS
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/types.h>

extern "C" {
#include <spf2/spf.h>
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int rounds = std::atoi(argv[4]);
  SPF_server_t* const server = SPF_server_new(SPF_DNS_RESOLV, 0);
  const std::clock_t begin = std::clock();
  for (int i = 0; i < rounds; ++i) {
    SPF_request_t* const request = SPF_request_new(server);
    SPF_request_set_ipv4_str(request, argv[1]);
    SPF_request_set_helo_dom(request, argv[2]);
    SPF_request_set_env_from(request, argv[3]);
    SPF_response_t* response = nullptr;
    SPF_request_query_mailfrom(request, &response);
    if (SPF_response_result(response) != SPF_RESULT_PASS) return 1;
    SPF_response_free(response);
    SPF_request_free(request);
  }
  std::printf("%.2f\n", 1e6 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / rounds);
  SPF_server_free(server);
  return 0;
}
