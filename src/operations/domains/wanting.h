// The making of a plan's records, one part of mail after the other; within the room only (wanted.h is what others see).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operations/domains/provider.h"
#include "operations/domains/record_data.h"
#include "operations/domains/wanted.h"

namespace posthorn::domains {

class Wanting {
 public:
  Wanting(const Model& model, const Surroundings& around, const PublishedRecords& published);

  // ---- wanted_mail.cpp
  void host_addresses();
  void mx();
  void reverse_names();
  void services();
  void extra();
  // ---- wanted_sending.cpp
  void spf();
  void host_spf();
  void dkim();
  // ---- wanted_policies.cpp
  void dmarc();
  void sts(std::string_view id);
  void tls_rpt();
  void tlsa();
  void caa();
  void report_permissions();
  // ---- wanted_parked.cpp
  void parked();

  [[nodiscard]] Wanted take() { return std::move(out_); }

 private:
  /// "label.domain"; with "" the domain itself.
  [[nodiscard]] dns::Name at(std::string_view prefix) const;
  [[nodiscard]] bool host_is_in_zone() const;
  /// This server sends for the domain, or is named in its MX.
  [[nodiscard]] bool host_is_used() const;
  [[nodiscard]] std::vector<MxHost> mx_hosts() const;
  WantedRecord& add(Purpose purpose, dns::Name name, dns::RecordType type, std::string data, std::uint32_t ttl_seconds,
                    std::string reason);
  WantedRecord& add_txt(Purpose purpose, dns::Name name, std::string_view text, std::uint32_t ttl_seconds,
                        std::string reason);
  /// The texts of the TXT records at the name.
  [[nodiscard]] std::vector<std::string> texts_at(const dns::Name& name) const;
  /// Published TXT data at the name whose text `is_kind` and that is not `keep`.
  template <class IsKind>
  [[nodiscard]] std::vector<std::string> others(const dns::Name& name, std::string_view keep, IsKind is_kind) const;
  void finding(std::string id, FindingLevel level, std::string reason, std::string correction = {});
  [[nodiscard]] std::vector<std::string> spf_terms() const;
  void dkim_own_keys();
  void return_path(const Stream& stream, const Provider& provider);
  void dkim_reference(const Stream& stream, const DkimReference& reference, const std::string& hint);
  [[nodiscard]] std::vector<std::string> dmarc_destinations(const std::vector<std::string>& published) const;

  const Model& model_;
  const Surroundings& around_;
  const PublishedRecords& published_;
  dns::Name domain_;
  Wanted out_;
};

template <class IsKind>
std::vector<std::string> Wanting::others(const dns::Name& name, std::string_view keep, IsKind is_kind) const {
  std::vector<std::string> out;
  for (const std::string& data : published_.data(name, dns::RecordType::txt)) {
    if (data != keep && is_kind(txt_text(data))) out.push_back(data);
  }
  return out;
}

}  // namespace posthorn::domains
