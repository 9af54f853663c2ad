// libopendkim at the same work as bench_trust_rates: CPU microseconds to verify one message, its key at hand.
//   peer_dkim MESSAGE KEY-RECORD-FILE ROUNDS
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/param.h>
#include <sys/types.h>

extern "C" {
#define _Bool bool  // the header is C
#include <opendkim/dkim.h>
}

namespace {

std::string key_record;

DKIM_STAT find_key(DKIM*, DKIM_SIGINFO*, unsigned char* to, size_t room) {
  if (key_record.size() >= room) return DKIM_STAT_NOKEY;
  std::memcpy(to, key_record.c_str(), key_record.size() + 1);
  return DKIM_STAT_OK;
}

std::string read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool verify(DKIM_LIB* library, std::string& message) {
  DKIM_STAT status = DKIM_STAT_OK;
  auto* const id = reinterpret_cast<unsigned char*>(const_cast<char*>("bench"));
  DKIM* const dkim = dkim_verify(library, id, nullptr, &status);
  if (dkim == nullptr) return false;
  status = dkim_chunk(dkim, reinterpret_cast<unsigned char*>(message.data()), message.size());
  if (status == DKIM_STAT_OK) status = dkim_chunk(dkim, nullptr, 0);
  if (status == DKIM_STAT_OK) status = dkim_eom(dkim, nullptr);
  dkim_free(dkim);
  return status == DKIM_STAT_OK;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::string message = read(argv[1]);
  key_record = read(argv[2]);
  const int rounds = std::atoi(argv[3]);
  DKIM_LIB* const library = dkim_init(nullptr, nullptr);
  dkim_set_key_lookup(library, find_key);
  double best = 0;
  for (int batch = 0; batch < 5; ++batch) {
    const std::clock_t begin = std::clock();
    for (int i = 0; i < rounds; ++i)
      if (!verify(library, message)) return 1;
    const double spent = 1e6 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / rounds;
    best = batch == 0 ? spent : std::min(best, spent);
  }
  std::printf("%.2f\n", best);
  return 0;
}
