// HTTP by libcurl's multi interface.
#include "engine/remote/curl_transport.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <unordered_map>
#include <utility>

#include "engine/engine.h"
#include "engine/remote/curl_library.h"
#include "engine/remote/socket_watch.h"

namespace moebius::engine::remote {
namespace {

constexpr long kConnectSeconds = 30;
constexpr long kBufferBytes = 16384;  // of each exchange, in each direction
/// Exchanges of one multi handle, which looks through all its connections for a free one: at 2,000
/// that was half of all time. As many as servers allow streams on one HTTP/2 connection.
constexpr std::size_t kLane = 128;

struct MultiClose {
  void operator()(CURLM* multi) const { curl_library().multi_cleanup(multi); }
};
struct EasyClose {
  void operator()(CURL* easy) const { curl_library().easy_cleanup(easy); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_library().slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyClose>;

/// How many connections this process may have open, `wanted` if the limit can be raised so far.
std::size_t possible_connections(int wanted) {
  constexpr rlim_t kOthers = 256;  // files, pipes and sockets besides
  const rlim_t needed = static_cast<rlim_t>(wanted) + kOthers;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return static_cast<std::size_t>(wanted);
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = std::min(limit.rlim_max, needed);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed) return static_cast<std::size_t>(wanted);
  return limit.rlim_cur > 2 * kOthers ? limit.rlim_cur - kOthers : kOthers;
}

bool has_prefix_nocase(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

HttpEnding ending_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpEnding::kComplete;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpEnding::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
      return HttpEnding::kTls;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return HttpEnding::kUnsupported;
    default:
      return HttpEnding::kConnection;
  }
}

class CurlTransport : public Transport {
 public:
  explicit CurlTransport(CurlOptions options)
      : options_(std::move(options)),
        curl_(curl_library()),
        most_lanes_((possible_connections(options_.connections) + kLane - 1) / kLane) {}

  ~CurlTransport() override {
    for (const auto& [ticket, call] : calls_) {
      curl_.multi_remove_handle(call->lane->multi.get(), call->easy.get());
    }
  }

  void start(std::uint64_t ticket, HttpRequest request) override {
    auto call = std::make_unique<Call>();
    call->owner = this;
    call->ticket = ticket;
    call->request = std::move(request);
    call->easy = take_handle();
    call->lane = &free_lane();
    call->headers = header_list(call->request.headers);
    set_up(*call);
    curl_.multi_add_handle(call->lane->multi.get(), call->easy.get());
    ++call->lane->calls;
    calls_[ticket] = std::move(call);
  }

  void drop(std::uint64_t ticket) override {
    const auto found = calls_.find(ticket);
    if (found == calls_.end()) return;
    release(*found->second);
    calls_.erase(found);
  }

  void poll(Micros longest, Receiver& receiver) override {
    receiver_ = &receiver;
    int running = 0;
    for (const SocketWatch::Ready& ready : watch_.wait(longest)) {
      curl_.multi_socket_action(ready.multi, ready.socket, ready.events, &running);
    }
    for (CURLM* multi : watch_.take_timers()) {
      curl_.multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (Lane& lane : lanes_) deliver(lane.multi.get());
    receiver_ = nullptr;
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  void wake() override { watch_.wake(); }

 private:
  using Headers = std::unique_ptr<curl_slist, ListFree>;
  struct Lane {
    std::unique_ptr<CURLM, MultiClose> multi;
    std::size_t calls = 0;
  };
  struct Call {
    CurlTransport* owner = nullptr;
    std::uint64_t ticket = 0;
    HttpRequest request;
    HttpHead head;
    Easy easy;
    Lane* lane = nullptr;
    std::shared_ptr<const curl_slist> headers;
    std::array<char, CURL_ERROR_SIZE> error{};
    bool enough = false;
  };

  void add_header(Headers& list, const std::string& line) {
    curl_slist* longer = curl_.slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw Error("libcurl: out of memory");
    (void)list.release();
    list.reset(longer);
  }

  /// The last one made, if the lines are the same: they are for all questions of a run.
  std::shared_ptr<const curl_slist> header_list(const std::vector<std::string>& lines) {
    if (last_headers_ && lines == last_lines_) return last_headers_;
    Headers list;
    for (const std::string& line : lines) add_header(list, line);
    add_header(list, "Content-Type: application/json");
    add_header(list, "Expect:");  // no waiting for 100 Continue
    last_headers_ = std::move(list);
    last_lines_ = lines;
    return last_headers_;
  }

  /// The first with room, so that few connections serve few exchanges.
  Lane& free_lane() {
    for (Lane& lane : lanes_) {
      if (lane.calls < kLane) return lane;
    }
    if (lanes_.size() == most_lanes_) return lanes_.back();  // waits there for a connection
    Lane& lane = lanes_.emplace_back();
    lane.multi.reset(curl_.multi_init());
    if (!lane.multi) throw Error("libcurl: out of memory");
    CURLM* multi = lane.multi.get();
    watch_.attach(multi);
    curl_.multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kLane));
    curl_.multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(kLane));
    return lane;
  }

  Easy take_handle() {
    if (!spare_.empty()) {
      Easy easy = std::move(spare_.back());
      spare_.pop_back();
      return easy;
    }
    Easy easy(curl_.easy_init());
    if (!easy) throw Error("libcurl: out of memory");
    set_up_once(easy.get());
    return easy;
  }

  /// What all exchanges have in common.
  void set_up_once(CURL* easy) {
    curl_.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_.easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_.easy_setopt(easy, CURLOPT_USERAGENT, "moebius");
    curl_.easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options_.ca_file.empty()) {
      curl_.easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    }
    curl_.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_.easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_.easy_setopt(easy, CURLOPT_BUFFERSIZE, kBufferBytes);
    curl_.easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
    curl_.easy_setopt(easy, CURLOPT_WRITEFUNCTION, &CurlTransport::on_body);
    curl_.easy_setopt(easy, CURLOPT_HEADERFUNCTION, &CurlTransport::on_header);
  }

  /// All that differs: the handle may have served another exchange before.
  void set_up(Call& call) {
    CURL* easy = call.easy.get();
    const HttpRequest& request = call.request;
    curl_.easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_.easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                      static_cast<long>((request.idle + kSecond - 1) / kSecond));
    curl_.easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>((request.total + 999) / 1000));
    curl_.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                      static_cast<curl_off_t>(request.body.size()));
    curl_.easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_.easy_setopt(easy, CURLOPT_HTTPHEADER, call.headers.get());
    curl_.easy_setopt(easy, CURLOPT_ERRORBUFFER, call.error.data());
    curl_.easy_setopt(easy, CURLOPT_PRIVATE, &call);
    curl_.easy_setopt(easy, CURLOPT_WRITEDATA, &call);
    curl_.easy_setopt(easy, CURLOPT_HEADERDATA, &call);
  }

  static std::size_t on_header(const char* bytes, std::size_t size, std::size_t count, void* self) {
    HttpHead& head = static_cast<Call*>(self)->head;
    const std::string_view line(bytes, size * count);
    if (line.starts_with("HTTP/")) head = {};  // after 100 Continue another begins
    const auto keep = [&](std::string_view name, std::size_t most, std::string& value) {
      if (!has_prefix_nocase(line, name)) return;
      std::string_view rest = line.substr(name.size());
      while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
      while (!rest.empty() && static_cast<unsigned char>(rest.back()) <= ' ') rest.remove_suffix(1);
      value = rest.substr(0, most);
    };
    keep("content-type:", 256, head.content_type);
    keep("retry-after:", 64, head.retry_after);
    return size * count;
  }

  static std::size_t on_body(const char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& call = *static_cast<Call*>(self);
    call.owner->note_status(call);
    try {
      const std::string_view piece(bytes, size * count);
      if (call.owner->receiver_->received(call.ticket, call.head, piece)) return size * count;
      call.enough = true;
    } catch (...) {
      call.owner->thrown_ = std::current_exception();  // must not cross C code
    }
    return CURL_WRITEFUNC_ERROR;
  }

  void note_status(Call& call) {
    long status = 0;
    curl_.easy_getinfo(call.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    call.head.status = static_cast<int>(status);
  }

  void deliver(CURLM* multi) {
    int left = 0;
    while (CURLMsg* message = curl_.multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      char* pointer = nullptr;
      curl_.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
      end(*reinterpret_cast<Call*>(pointer), code);
    }
  }

  void end(Call& call, CURLcode code) {
    note_status(call);
    HttpEnd end{.head = call.head, .ending = ending_of(code)};
    if (call.enough) end.ending = HttpEnding::kEnough;
    if (code != CURLE_OK) {
      end.error = call.error[0] != '\0' ? call.error.data() : curl_.easy_strerror(code);
    }
    const std::uint64_t ticket = call.ticket;
    drop(ticket);
    receiver_->ended(ticket, std::move(end));
  }

  void release(Call& call) {
    curl_.multi_remove_handle(call.lane->multi.get(), call.easy.get());
    --call.lane->calls;
    spare_.push_back(std::move(call.easy));
  }

  const CurlOptions options_;
  const CurlLibrary& curl_;
  const std::size_t most_lanes_;
  SocketWatch watch_;  // hears of sockets until the lanes are gone
  std::deque<Lane> lanes_;
  std::vector<std::string> last_lines_;
  std::shared_ptr<const curl_slist> last_headers_;
  std::vector<Easy> spare_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Call>>
      calls_;                     // gone before the handles' multi
  Receiver* receiver_ = nullptr;  // while poll() runs
  std::exception_ptr thrown_;
};

}  // namespace

std::unique_ptr<Transport> make_curl_transport(const CurlOptions& options) {
  return std::make_unique<CurlTransport>(options);
}

}  // namespace moebius::engine::remote
