#include "entrance/admin/frames.h"

#include <boost/json.hpp>

#include "foundation/text/json_text.h"

namespace posthorn::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t head_octets = 5;

constexpr std::array<std::string_view, 3> kinds{"no", "usage", "unavailable"};

}  // namespace

void append_frames(std::string& to, char type, std::string_view payload) {
  do {
    const std::string_view piece = payload.substr(0, frame_octets_max);
    payload.remove_prefix(piece.size());
    to += type;
    for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>((piece.size() >> shift) & 0xff);
    to += piece;
  } while (!payload.empty());
}

std::optional<Frame> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(taken_);
  if (broken_ || rest.size() < head_octets) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 1; i < head_octets; ++i) length = (length << 8) | static_cast<unsigned char>(rest[i]);
  if (length > frame_octets_max) {
    broken_ = true;
    return std::nullopt;
  }
  if (rest.size() < head_octets + length) return std::nullopt;
  Frame frame{rest[0], std::string(rest.substr(head_octets, length))};
  taken_ += head_octets + length;
  if (taken_ >= frame_octets_max || taken_ == buffer_.size()) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  return frame;
}

std::string request_json(const Request& request) {
  return json::serialize(json::object{{"verb", request.verb}, {"arguments", request.arguments}});
}

Result<Request, Problem> parse_request(std::string_view text) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  const json::object* const object = error ? nullptr : parsed.if_object();
  const json::value* const arguments = object == nullptr ? nullptr : object->if_contains("arguments");
  if (arguments == nullptr || !arguments->is_object()) {
    return fail(
        Problem{ProblemKind::usage, "the request", "it cannot be read", "use the posthorn of the same version"});
  }
  return Request{.verb = text::json_text(*object, "verb"), .arguments = arguments->as_object(), .input = {}, .by = {}};
}

std::string end_json(const Done& done) {
  if (done) return "{}";
  const Problem& problem = done.error();
  return json::serialize(json::object{{"kind", kinds[static_cast<std::size_t>(problem.kind)]},
                                      {"what", problem.what},
                                      {"why", problem.why},
                                      {"remedy", problem.remedy}});
}

Done parse_end(std::string_view text) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  const json::object* const object = error ? nullptr : parsed.if_object();
  if (object == nullptr) return fail(Problem{ProblemKind::unavailable, "the server", "its answer cannot be read", ""});
  if (object->empty()) return {};
  const auto* const kind = std::ranges::find(kinds, text::json_text(*object, "kind"));
  const auto index = kind == kinds.end() ? 2 : kind - kinds.begin();
  return fail(Problem{static_cast<ProblemKind>(index), text::json_text(*object, "what"),
                      text::json_text(*object, "why"), text::json_text(*object, "remedy")});
}

}  // namespace posthorn::admin
