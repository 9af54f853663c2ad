#include "foundation/base/result.h"

namespace posthorn {

std::string Problem::text() const {
  std::string text = what;
  if (!why.empty()) text += ": " + why;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

}  // namespace posthorn
