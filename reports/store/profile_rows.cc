// Profiles are few and small: statements are prepared when they are needed.
#include "reports/store/profile_rows.h"

namespace moebius::reports {
namespace {

std::vector<KernelFigures> read_kernels(Database& database, std::int64_t run,
                                        const std::string& device) {
  Statement select(database,
                   "SELECT kernel, calls, ns, bytes, flops FROM kernels"
                   " WHERE run_id = ? AND device = ? ORDER BY ns DESC, kernel");
  select.bind(1, run).bind(2, device);
  std::vector<KernelFigures> kernels;
  while (select.step()) {
    kernels.push_back({.kernel = select.text(0),
                       .calls = select.integer(1),
                       .ns = select.integer(2),
                       .bytes = select.integer(3),
                       .flops = select.real(4)});
  }
  return kernels;
}

}  // namespace

void add_profile(Database& database, std::int64_t run, const Profile& profile) {
  const auto newer = [](const std::string& column) {
    return ", " + column + " = CASE excluded.matrix_tflops WHEN 0 THEN " + column +
           " ELSE excluded." + column + " END";
  };
  std::string limits;
  for (const char* column : {"read_gb_s", "copy_gb_s", "fp8_tflops", "f32_tflops", "matrix_path"}) {
    limits += newer(column);
  }
  Statement insert(
      database,
      "INSERT INTO profiles (run_id, device, busy_ns, wall_ns, seen_ns, lost, read_gb_s,"
      " copy_gb_s, matrix_tflops, matrix_path, fp8_tflops, f32_tflops)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
      " busy_ns = busy_ns + excluded.busy_ns, wall_ns = wall_ns + excluded.wall_ns,"
      " seen_ns = seen_ns + excluded.seen_ns, lost = lost + excluded.lost" +
          limits + newer("matrix_tflops"));
  const MachineLimits& machine = profile.limits;
  insert.bind(1, run)
      .bind(2, profile.device)
      .bind(3, profile.busy_ns)
      .bind(4, profile.wall_ns)
      .bind(5, profile.seen_ns)
      .bind(6, profile.lost)
      .bind(7, machine.read_gb_s)
      .bind(8, machine.copy_gb_s)
      .bind(9, machine.matrix_tflops)
      .bind(10, machine.matrix_path)
      .bind(11, machine.fp8_tflops)
      .bind(12, machine.f32_tflops)
      .run();
  Statement add(database,
                "INSERT INTO kernels (run_id, device, kernel, calls, ns, bytes, flops)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " calls = calls + excluded.calls, ns = ns + excluded.ns,"
                " bytes = bytes + excluded.bytes, flops = flops + excluded.flops");
  for (const KernelFigures& kernel : profile.kernels) {
    add.bind(1, run)
        .bind(2, profile.device)
        .bind(3, kernel.kernel)
        .bind(4, kernel.calls)
        .bind(5, kernel.ns)
        .bind(6, kernel.bytes)
        .bind(7, kernel.flops)
        .run();
  }
}

std::vector<Profile> read_profiles(Database& database, std::int64_t run) {
  Statement select(
      database,
      "SELECT device, busy_ns, wall_ns, seen_ns, lost, read_gb_s, copy_gb_s, matrix_tflops,"
      " matrix_path, fp8_tflops, f32_tflops FROM profiles WHERE run_id = ?"
      " ORDER BY device");
  select.bind(1, run);
  std::vector<Profile> profiles;
  while (select.step()) {
    Profile profile;
    profile.device = select.text(0);
    profile.busy_ns = select.integer(1);
    profile.wall_ns = select.integer(2);
    profile.seen_ns = select.integer(3);
    profile.lost = select.integer(4);
    profile.limits.read_gb_s = select.real(5);
    profile.limits.copy_gb_s = select.real(6);
    profile.limits.matrix_tflops = select.real(7);
    profile.limits.matrix_path = select.text(8);
    profile.limits.fp8_tflops = select.real(9);
    profile.limits.f32_tflops = select.real(10);
    profile.kernels = read_kernels(database, run, profile.device);
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

}  // namespace moebius::reports
