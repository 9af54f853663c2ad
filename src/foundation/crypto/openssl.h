// What this room's files say to OpenSSL with.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>

#include "foundation/base/bytes.h"

namespace posthorn::crypto {

/// Ends the process where `done` is false: only a broken installation or no memory makes such a call fail, and nothing
/// sensible can go on then. `what` OpenSSL cannot do is told.
inline void must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "posthorn: the OpenSSL library cannot %s; check its installation\n", what);
  std::abort();
}

/// OpenSSL writes through unsigned char.
[[nodiscard]] inline unsigned char* writable(OctetString& octets) {
  return reinterpret_cast<unsigned char*>(octets.data());
}

/// Deletes with OpenSSL's function for the type.
template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freed<BN_free>>;

}  // namespace posthorn::crypto
