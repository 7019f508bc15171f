// Who computed: this binary and this machine, as every run records them.
#include "runner/identity.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <thread>

#include "runner/output.h"

namespace moebius::runner {
namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::size_t align4(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

/// The NT_GNU_BUILD_ID note among `size` bytes of notes; empty if there is none.
std::string find_build_id(const char* notes, std::size_t size) {
  std::size_t at = 0;
  while (at + sizeof(ElfW(Nhdr)) <= size) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof note);
    const char* name = notes + at + sizeof note;
    const char* value = name + align4(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      return hex(reinterpret_cast<const unsigned char*>(value), note.n_descsz);
    }
    at += sizeof note + align4(note.n_namesz) + align4(note.n_descsz);
  }
  return "";
}

int visit_object(dl_phdr_info* info, std::size_t /*size*/, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    std::string id = find_build_id(notes, header.p_memsz);
    if (!id.empty()) *static_cast<std::string*>(result) = std::move(id);
  }
  return 1;  // the first object is the binary itself: no further
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string os_name() {
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("PRETTY_NAME=\"")) continue;
    return line.substr(13, line.size() - 14);
  }
  return "unknown";
}

}  // namespace

std::string build_identity() {
  std::string id;
  ::dl_iterate_phdr(visit_object, &id);
  return std::string(MOEBIUS_VERSION) + " " + (id.empty() ? "unknown" : id);
}

std::string environment_json() {
  utsname system{};
  ::uname(&system);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  Json json = {{"host", system.nodename},
               {"cpu", cpu_name()},
               {"cores", std::thread::hardware_concurrency()},
               {"memory_bytes", static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit},
               {"os", os_name()},
               {"kernel", std::string(system.sysname) + " " + system.release},
               {"machine", system.machine}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace moebius::runner
