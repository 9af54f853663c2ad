// One table a noun file; this list is the order of help.
#pragma once

#include <array>

#include "entrance/cli/verb.h"

namespace posthorn::cli {

[[nodiscard]] const std::vector<Verb>& server_verbs();          // quickstart, serve, reload, demo
[[nodiscard]] const std::vector<Verb>& domain_verbs();          // domain …
[[nodiscard]] const std::vector<Verb>& domain_check_verbs();    // domain check
[[nodiscard]] const std::vector<Verb>& domain_compare_verbs();  // domain compare
[[nodiscard]] const std::vector<Verb>& domain_watch_verbs();    // domain watch
[[nodiscard]] const std::vector<Verb>& key_verbs();             // domain keys, rotate, advance, revoke
[[nodiscard]] const std::vector<Verb>& certificate_verbs();     // certificate …
[[nodiscard]] const std::vector<Verb>& domain_plan_verbs();     // domain set, plan, timeline
[[nodiscard]] const std::vector<Verb>& domain_apply_verbs();    // domain apply
[[nodiscard]] const std::vector<Verb>& domain_rollout_verbs();  // domain rollout, leave, park
[[nodiscard]] const std::vector<Verb>& domain_bundle_verbs();   // domain export, import
[[nodiscard]] const std::vector<Verb>& account_verbs();         // account …
[[nodiscard]] const std::vector<Verb>& login_verbs();           // login …
[[nodiscard]] const std::vector<Verb>& address_verbs();         // address …, group …
[[nodiscard]] const std::vector<Verb>& queue_verbs();           // queue …
[[nodiscard]] const std::vector<Verb>& message_verbs();         // message …, mailbox …
[[nodiscard]] const std::vector<Verb>& mailbox_verbs();         // mailbox import, export, undelete
[[nodiscard]] const std::vector<Verb>& store_verbs();           // store …, backup, restore
[[nodiscard]] const std::vector<Verb>& config_verbs();          // config …
[[nodiscard]] const std::vector<Verb>& check_verbs();           // check …, verify
[[nodiscard]] const std::vector<Verb>& transport_verbs();       // check mta-sts …, dane check, mta-sts check
[[nodiscard]] const std::vector<Verb>& sign_verbs();            // sign …
[[nodiscard]] const std::vector<Verb>& parse_verbs();           // parse address, message, dsn
[[nodiscard]] const std::vector<Verb>& record_verbs();          // parse record, authentication-results
[[nodiscard]] const std::vector<Verb>& dns_verbs();             // dns …

using Table = const std::vector<Verb>& (*)();
inline constexpr std::array tables{Table{server_verbs},       Table{domain_verbs},         Table{domain_plan_verbs},
                                   Table{domain_apply_verbs}, Table{domain_rollout_verbs}, Table{domain_bundle_verbs},
                                   Table{domain_check_verbs}, Table{domain_compare_verbs}, Table{domain_watch_verbs},
                                   Table{key_verbs},          Table{certificate_verbs},    Table{account_verbs},
                                   Table{login_verbs},        Table{address_verbs},        Table{queue_verbs},
                                   Table{message_verbs},      Table{mailbox_verbs},        Table{store_verbs},
                                   Table{config_verbs},       Table{check_verbs},          Table{transport_verbs},
                                   Table{sign_verbs},         Table{parse_verbs},          Table{record_verbs},
                                   Table{dns_verbs}};

}  // namespace posthorn::cli
