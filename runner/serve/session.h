// One connection: calls one after another, each answered whole or as a stream of events.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runner/serve/http.h"
#include "runner/serve/service.h"

namespace moebius::runner {

/// Lives as long as it has something to wait for.
class Session : public Client, public std::enable_shared_from_this<Session> {
 public:
  using Closed = std::function<void(const std::shared_ptr<Session>&)>;

  Session(boost::asio::ip::tcp::socket socket, const HttpOptions& options, Service& service,
          Closed closed);

  void begin();
  void turn_away();  // instead: its call hears that there is no room
  void drain();      // ends after the call in progress, now if there is none
  void close();      // at once

  void reply(Reply reply) override;
  void begin_stream() override;
  void send(std::string text) override;
  void end_stream() override;

 private:
  using Error = boost::system::error_code;

  void read_head();
  void on_head(const Error& error);
  void read_body();
  void on_body(const Error& error);
  void answer();
  void refuse(int status, const std::string& why);
  CallHead head() const;
  void watch_client();
  void write();
  void on_written(const Error& error);
  void answered();
  void linger();

  boost::beast::tcp_stream stream_;
  boost::asio::steady_timer deadline_;
  const HttpOptions& options_;
  Service& service_;
  Closed closed_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::string path_;        // of the call, without a query
  std::uint64_t call_ = 0;  // of the service
  std::uint64_t turn_ = 0;  // calls so far: what was started for an earlier one is stale
  std::string outbox_;      // not yet being written
  std::string writing_;     // what is
  bool chunked_ = false;    // the stream in progress
  bool ended_ = false;      // nothing more comes for this call
  bool last_ = false;       // the connection ends after it
  bool full_ = false;       // there was no room for this connection
  bool unread_ = false;     // its body was not read
  bool in_body_ = false;    // it is being read
  bool idle_ = false;       // between calls
  bool draining_ = false;
  bool open_ = true;
};

}  // namespace moebius::runner
