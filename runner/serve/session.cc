// One connection: calls one after another, each answered whole or as a stream of events.
#include "runner/serve/session.h"

#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace moebius::runner {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::uint32_t kMaxHeadBytes = 16384;

/// What came is at fault, not its way.
bool not_http(const boost::system::error_code& error) {
  return error.category() == make_error_code(http::error::end_of_stream).category();
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

template <class Body>
std::string text_of(const http::response<Body>& response) {
  std::ostringstream text;
  text << response;
  return text.str();
}

}  // namespace

Session::Session(asio::ip::tcp::socket socket, const HttpOptions& options, Service& service,
                 Closed closed)
    : stream_(std::move(socket)),
      deadline_(stream_.get_executor()),
      options_(options),
      service_(service),
      closed_(std::move(closed)) {}

void Session::begin() {
  Error ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  read_head();
}

void Session::turn_away() {
  full_ = true;
  begin();
}

void Session::close() {
  if (!open_) return;
  open_ = false;
  deadline_.cancel();
  if (call_ != 0) service_.leave(std::exchange(call_, 0));
  stream_.close();
  closed_(shared_from_this());
}

void Session::drain() {
  draining_ = true;
  if (idle_) close();
}

// ---- a call comes in --------------------------------------------------------------------------

void Session::read_head() {
  parser_.emplace();
  parser_->header_limit(kMaxHeadBytes);
  parser_->body_limit(options_.max_body_bytes);
  ++turn_;
  idle_ = true;
  ended_ = last_ = unread_ = false;
  stream_.expires_after(turn_ == 1 ? options_.read_timeout : options_.idle_timeout);
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const Error& error, std::size_t) { self->on_head(error); });
}

void Session::on_head(const Error& error) {
  idle_ = false;
  if (!open_) return;
  unread_ = true;
  if (error == http::error::body_limit) return refuse(413, "the body is too large");
  if (error == http::error::header_limit) return refuse(431, "the header is too large");
  if (error == beast::error::timeout || error == http::error::end_of_stream) return close();
  if (not_http(error)) return refuse(400, "not HTTP: " + error.message());
  if (error) return close();
  if (full_) return refuse(503, "too many connections");
  path_ = std::string(view(parser_->get().target()));
  path_ = path_.substr(0, path_.find('?'));
  if (auto reply_now = service_.refuse(head())) {
    last_ = true;
    return reply(std::move(*reply_now));
  }
  if (!beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body();
  writing_ = "HTTP/1.1 100 Continue\r\n\r\n";
  stream_.expires_after(options_.read_timeout);
  asio::async_write(stream_, asio::buffer(writing_),
                    [self = shared_from_this()](const Error& failed, std::size_t) {
                      self->writing_.clear();
                      if (failed) return self->close();
                      self->read_body();
                    });
}

/// The stream's own limit of time closes it, and nobody would be told.
void Session::read_body() {
  stream_.expires_never();
  in_body_ = true;
  deadline_.expires_after(options_.read_timeout);
  deadline_.async_wait([self = shared_from_this(), turn = turn_](const Error& cancelled) {
    if (!cancelled && turn == self->turn_ && self->in_body_) self->stream_.cancel();
  });
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const Error& error, std::size_t) { self->on_body(error); });
}

void Session::on_body(const Error& error) {
  in_body_ = false;
  deadline_.cancel();
  if (!open_) return;
  if (error == http::error::body_limit) return refuse(413, "the body is too large");
  if (error == asio::error::operation_aborted) return refuse(408, "the body took too long");
  if (not_http(error)) return refuse(400, "not HTTP: " + error.message());
  if (error) return close();
  unread_ = false;
  answer();
}

void Session::answer() {
  const std::string body = std::move(parser_->get().body());
  const std::uint64_t turn = turn_;
  last_ = !parser_->get().keep_alive();
  const std::uint64_t call = service_.handle(head(), body, shared_from_this());
  if (call == 0 || turn != turn_) return;
  call_ = call;
  watch_client();
  deadline_.expires_after(options_.answer_timeout);
  deadline_.async_wait([self = shared_from_this(), turn](const Error& cancelled) {
    if (!cancelled && turn == self->turn_ && self->call_ != 0) self->service_.expire(self->call_);
  });
}

CallHead Session::head() const {
  const auto& request = parser_->get();
  return {.method = view(request.method_string()),
          .path = path_,
          .host = view(request[http::field::host]),
          .content_type = view(request[http::field::content_type]),
          .authorization = view(request[http::field::authorization])};
}

void Session::refuse(int status, const std::string& why) {
  last_ = true;
  reply(service_.error_reply(ApiError(status, why), "other"));
}

/// While the engine works nothing is read, so a client that leaves must be looked for.
void Session::watch_client() {
  stream_.socket().async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this(),
                                                                 turn = turn_](const Error& error) {
    if (error || !self->open_ || turn != self->turn_ || self->call_ == 0) return;
    char byte = 0;
    const ssize_t count =
        ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) return;  // its next call; whether it is there to hear of this one is open
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return self->watch_client();
    self->close();
  });
}

// ---- and its answer goes out ------------------------------------------------------------------

void Session::reply(Reply reply) {
  if (!open_) return;
  last_ = last_ || draining_;
  http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
  response.set(http::field::content_type, reply.content_type);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.keep_alive(!last_);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  outbox_ += text_of(response);
  ended_ = true;
  write();
}

void Session::begin_stream() {
  if (!open_) return;
  chunked_ = parser_->get().version() >= 11;
  last_ = last_ || draining_ || !chunked_;
  http::response<http::empty_body> response(http::status::ok, 11);
  response.set(http::field::content_type, "text/event-stream; charset=utf-8");
  response.set(http::field::cache_control, "no-cache");
  response.keep_alive(!last_);
  response.chunked(chunked_);
  std::ostringstream text;
  text << response.base();
  outbox_ += text.str();
}

void Session::send(std::string text) {
  if (!open_ || text.empty()) return;
  if (chunked_) {
    outbox_ += beast::buffers_to_string(http::make_chunk(asio::buffer(text)));
  } else {
    outbox_ += text;
  }
  write();
}

void Session::end_stream() {
  if (!open_) return;
  if (chunked_) outbox_ += beast::buffers_to_string(http::make_chunk_last());
  ended_ = true;
  write();
}

void Session::write() {
  if (!writing_.empty() || outbox_.empty()) return;
  writing_.swap(outbox_);
  stream_.expires_after(options_.read_timeout);
  asio::async_write(
      stream_, asio::buffer(writing_),
      [self = shared_from_this()](const Error& error, std::size_t) { self->on_written(error); });
}

void Session::on_written(const Error& error) {
  writing_.clear();
  if (!open_) return;
  if (error) return close();
  stream_.expires_never();
  if (!outbox_.empty()) return write();
  if (ended_) answered();
}

void Session::answered() {
  call_ = 0;
  deadline_.cancel();
  last_ = last_ || draining_;
  if (!last_) return read_head();
  Error ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (!unread_) return close();
  stream_.expires_after(std::chrono::seconds(2));
  linger();
}

/// What a client still sends is read for a while: closing at once would reset the connection, and
/// the answer might be lost on its way.
void Session::linger() {
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(65536),
                          [self = shared_from_this()](const Error& error, std::size_t) {
                            if (error) return self->close();
                            self->linger();
                          });
}

}  // namespace moebius::runner
