// Search keys, sequence sets and messages of any kind: evaluation must end, and what is decided without the message
// must be what the message says.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "standards/imap/parse.h"
#include "standards/imap/search.h"
#include "standards/imap/section.h"
#include "standards/imap/structure.h"

namespace {

using namespace posthorn::imap;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_search(std::string_view keys, std::string_view message) {
  Scanner in(keys, true);
  const auto command = parse_search(in, false, {});
  if (!in.ok()) return;
  SearchContext context;
  context.last_number = context.last_uid = 5;
  const Search search(command.key, context);
  SearchFacts facts;
  facts.number = facts.uid = 5;
  facts.size = message.size();
  const auto decision = search.decide(facts);
  const bool matches = search.matches(facts, message);
  if (decision == Search::Decision::yes) must(matches);
  if (decision == Search::Decision::no) must(!matches);
}

void check_facts(std::string_view message) {
  const auto tree = posthorn::message::parse_mime(message);
  const auto structure = write_body_structure(tree);
  must(without_extension_data(without_extension_data(structure)) == without_extension_data(structure));
  const auto envelope = write_envelope(tree.parts.front().header);
  must(envelope.find('\r') == std::string::npos && envelope.find('\n') == std::string::npos);
  for (const char c : downgraded(envelope)) must(static_cast<unsigned char>(c) < 0x80);
  for (std::uint32_t part = 0; part < 4; ++part) {
    FetchSection section;
    if (part > 0) section.section.part = {part};
    section.kind = FetchSection::Kind::binary;
    static_cast<void>(section_octets(section, tree, message));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto line = octets.find('\n');
  if (line == std::string_view::npos) return 0;
  check_search(octets.substr(0, line), octets.substr(line + 1));
  check_facts(octets.substr(line + 1));
  if (const auto set = SequenceSet::parse(octets.substr(0, line))) {
    const auto numbers = set->resolve(7);
    must(numbers.empty() || NumberSet::parse(numbers.text()) == numbers);
  }
  return 0;
}
