// The header section: the same fields in whatever pieces it comes; edits keep the rest of the octets.
#include <cstdlib>

#include "standards/message/date_time.h"
#include "standards/message/edit.h"
#include "standards/message/encoded_word.h"
#include "standards/message/message_id.h"
#include "standards/message/parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::message;
  const std::string_view octets{reinterpret_cast<const char*>(data), size};
  const Header whole = Header::parse(octets);
  HeaderReader reader;
  for (std::size_t i = 0; i < size && reader.state() == HeaderReader::State::reading; i += 3)
    reader.push(octets.substr(i, 3));
  reader.finish();
  const Header pieces = reader.take();
  if (pieces.octets() != whole.octets() || pieces.body_offset() != whole.body_offset()) std::abort();
  HeaderEdit edit{whole};
  for (const Field& field : whole.fields()) {
    if (octets.substr(field.offset, field.raw.size()) != field.raw) std::abort();
    edit.remove(field);
    (void)authserv_id_of(field.value);
    (void)parse_date_time(field.value);
    (void)parse_message_ids(field.value);
    (void)parse_parameterized(field.value);
    const std::string text = decode_encoded_words(field.unfolded());
    const std::string again = encode_words(text, EncodedWordContext::unstructured);
    if (text.find('=') == std::string::npos && decode_encoded_words(again) != text) std::abort();
  }
  if (edit.apply(octets).size() > size) std::abort();
  return 0;
}
