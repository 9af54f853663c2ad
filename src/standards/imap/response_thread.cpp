// THREAD responses (RFC 5256 4). The nesting follows the messages', so it is walked without recursion.
#include "standards/imap/response.h"

namespace posthorn::imap {
namespace {

/// One step of the walk: write a node and what hangs below it, or a character.
struct Step {
  std::optional<std::size_t> node;
  char octet = '\0';
};

// thread-members = nz-number *(SP nz-number) [SP thread-nested]; a missing parent is left out, its children are
// siblings in parentheses
void push_members(const ThreadTree& tree, std::size_t node, std::vector<Step>& steps) {
  const auto& children = tree.nodes[node].children;
  if (children.size() == 1 && tree.nodes[node].number != 0) {
    steps.push_back({children.front(), '\0'});
    steps.push_back({std::nullopt, ' '});
    return;
  }
  for (std::size_t i = children.size(); i-- > 0;) {
    steps.push_back({std::nullopt, ')'});
    steps.push_back({children[i], '\0'});
    steps.push_back({std::nullopt, '('});
  }
  if (!children.empty() && tree.nodes[node].number != 0) steps.push_back({std::nullopt, ' '});
}

}  // namespace

void ResponseWriter::thread(const ThreadTree& tree) {
  output_ += "* THREAD";
  if (!tree.roots.empty()) output_ += ' ';
  for (const auto root : tree.roots) {
    output_ += '(';
    std::vector<Step> steps{{root, '\0'}};
    while (!steps.empty()) {
      const auto step = steps.back();
      steps.pop_back();
      if (!step.node) {
        output_ += step.octet;
        continue;
      }
      if (tree.nodes[*step.node].number != 0) number(tree.nodes[*step.node].number);
      push_members(tree, *step.node, steps);
    }
    output_ += ')';
  }
  output_ += "\r\n";
}

}  // namespace posthorn::imap
