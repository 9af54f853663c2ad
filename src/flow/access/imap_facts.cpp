#include "flow/access/imap_facts.h"

#include "standards/imap/structure.h"
#include "standards/imap/usual_fields.h"
#include "standards/message/view.h"

namespace posthorn::access {

mailbox::Facts make_facts(Octets message) {
  const message::PartTree tree = message::parse_mime(message);
  return {imap::write_envelope(tree.parts.front().header), imap::write_body_structure(tree),
          message::preview(tree, message), imap::write_usual_fields(tree.parts.front().header)};
}

}  // namespace posthorn::access
