// Records as providers print them, pasted by an administrator: what is taken into a model survives the store.
#include <cstdlib>

#include "operations/domains/pasted_records.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::domains;
  const std::string_view line{reinterpret_cast<const char*>(data), size};
  Model model;
  model.domain = "a.example";
  (void)take_change(model, line, {{10, "mx.a.example"}});
  const auto record = read_record(line, model.domain);
  if (!record || !take_record(model, *record) || !check_model(model)) return 0;
  const auto again = parse_model(model_json(model));
  if (!again || again->extra != model.extra) std::abort();
  return 0;
}
