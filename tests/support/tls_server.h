// HTTP/1.1 over TLS on loopback, one answer to everything, with a certificate that nobody signed.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace moebius::tests {

/// Key and certificate of 127.0.0.1, made anew, signed by itself, valid for an hour.
class SelfSigned {
 public:
  SelfSigned() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    X509_NAME* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x, name);
    add(NID_subject_alt_name, "IP:127.0.0.1");
    add(NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(x, key_.get(), EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
  }

  EVP_PKEY* key() const { return key_.get(); }
  X509* certificate() const { return certificate_.get(); }

  void write(const std::string& key_path, const std::string& certificate_path) const {
    const auto open = [](const std::string& path) {
      return std::unique_ptr<BIO, decltype(&BIO_free)>(BIO_new_file(path.c_str(), "w"), BIO_free);
    };
    PEM_write_bio_PrivateKey(open(key_path).get(), key(), nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_X509(open(certificate_path).get(), certificate());
  }

 private:
  void add(int kind, const char* value) {
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value), X509_EXTENSION_free);
    X509_add_ext(certificate_.get(), extension.get(), -1);
  }

  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

/// One connection after the other.
class TlsServer {
 public:
  TlsServer(const SelfSigned& identity, std::string reply)
      : reply_(std::move(reply)), context_(SSL_CTX_new(TLS_server_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // clients leave in the middle of a handshake
    SSL_CTX_use_certificate(context_.get(), identity.certificate());
    SSL_CTX_use_PrivateKey(context_.get(), identity.key());
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
      throw std::runtime_error("tls server: cannot listen on loopback");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { loop(); });
  }

  ~TlsServer() {
    over_ = true;
    thread_.join();
    ::close(listener_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  std::atomic<int> requests{0};  // that came through the handshake

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  bool readable(int fd) const {
    pollfd one{fd, POLLIN, 0};
    while (!over_) {
      if (::poll(&one, 1, 20) > 0) return true;
    }
    return false;
  }

  void loop() {
    while (readable(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::unique_ptr<SSL, Free> ssl(SSL_new(context_.get()));
      SSL_set_fd(ssl.get(), fd);
      if (readable(fd) && SSL_accept(ssl.get()) == 1) answer(ssl.get(), fd);
      ::close(fd);
    }
  }

  void answer(SSL* ssl, int fd) {
    std::string in;
    while (SSL_pending(ssl) > 0 || readable(fd)) {
      std::array<char, 4096> buffer{};
      const int got = SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()));
      if (got <= 0) return;
      in.append(buffer.data(), static_cast<std::size_t>(got));
      if (!whole(in)) continue;
      in.clear();
      ++requests;
      if (SSL_write(ssl, reply_.data(), static_cast<int>(reply_.size())) <= 0) return;
    }
  }

  static bool whole(const std::string& in) {
    const std::size_t end = in.find("\r\n\r\n");
    const std::size_t at = in.find("Content-Length: ");
    if (end == std::string::npos || at > end) return false;
    std::size_t length = 0;
    std::from_chars(in.data() + at + 16, in.data() + end, length);
    return in.size() >= end + 4 + length;
  }

  std::string reply_;
  std::unique_ptr<SSL_CTX, Free> context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace moebius::tests
