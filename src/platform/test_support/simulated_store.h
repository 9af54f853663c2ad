// What the tests of a store on a simulated disk begin with.
#pragma once

#include <gtest/gtest.h>

#include "platform/test_support/simulated_files.h"
#include "platform/test_support/store_load.h"

namespace posthorn::storage::testing {

class StoreOnSimulatedDisk : public ::testing::Test {
 protected:
  StoreOptions options(const std::string& dir = "/disk/store") {
    StoreOptions o = options_for_faults(dir);
    o.files = &disk_;
    return o;
  }
  std::unique_ptr<Store> open(const StoreOptions& o) {
    auto store = Store::open(o);
    if (!store) throw std::runtime_error(store.error().text());
    return std::move(*store);
  }
  std::unique_ptr<Store> open() { return open(options()); }

  static void expect_clean(const Result<VerifyReport, Problem>& report) {
    ASSERT_TRUE(report) << report.error().text();
    for (const Damage& damage : report->damages) ADD_FAILURE() << damage_name(damage.kind) << ": " << damage.what;
  }

  disk::testing::SimulatedFiles disk_;
  Ids ids_;
};

}  // namespace posthorn::storage::testing
