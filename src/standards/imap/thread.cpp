#include "standards/imap/thread.h"

#include <algorithm>

#include "standards/imap/sort.h"
#include "standards/imap/thread_references.h"
#include "standards/message/encoded_word.h"
#include "standards/message/message_id.h"

namespace posthorn::imap {

ThreadKeys thread_keys(const message::Header& header, TimePoint internal_date) {
  ThreadKeys keys;
  keys.date = sent_date(header, internal_date);
  auto subject = base_subject(message::decode_encoded_words(header.value("Subject").value_or("")));
  keys.subject = std::move(subject.text);
  keys.is_reply_or_forward = subject.is_reply_or_forward;
  keys.message_id = message::parse_message_id(header.value("Message-ID").value_or("")).value_or("");
  keys.references = message::parse_message_ids(header.value("References").value_or(""));
  if (keys.references.empty()) {
    // RFC 5256 3: the first valid id of In-Reply-To where there are no References.
    if (auto first = message::parse_message_id(header.value("In-Reply-To").value_or(""))) {
      keys.references.push_back(std::move(*first));
    }
  }
  return keys;
}

namespace {

bool by_date(const ThreadKeys& a, const ThreadKeys& b) {
  return a.date != b.date ? a.date < b.date : a.number < b.number;
}

// RFC 5256 3, ORDEREDSUBJECT: sorted by base subject, then date; each subject is a thread whose first message is the
// parent of all others; threads in the order of their first messages.
ThreadTree ordered_subject(std::vector<ThreadKeys> messages) {
  std::ranges::sort(messages, [](const ThreadKeys& a, const ThreadKeys& b) {
    return a.subject != b.subject ? a.subject < b.subject : by_date(a, b);
  });
  ThreadTree tree;
  tree.nodes.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    tree.nodes.push_back({messages[i].number, {}});
    const bool is_first = i == 0 || messages[i].subject != messages[i - 1].subject;
    if (is_first) {
      tree.roots.push_back(i);
    } else {
      tree.nodes[tree.roots.back()].children.push_back(i);
    }
  }
  std::ranges::sort(tree.roots, [&](std::size_t a, std::size_t b) { return by_date(messages[a], messages[b]); });
  return tree;
}

}  // namespace

ThreadTree thread_messages(std::vector<ThreadKeys> messages, ThreadAlgorithm algorithm) {
  if (algorithm == ThreadAlgorithm::ordered_subject) return ordered_subject(std::move(messages));
  return thread_by_references(std::move(messages));
}

}  // namespace posthorn::imap
