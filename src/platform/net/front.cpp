#include "platform/net/front.h"

#include <unordered_set>

#include <boost/asio/post.hpp>

#include "platform/net/listener.h"

namespace posthorn::net {
namespace {

class ListeningFront;

/// One loop's listeners and guests; everything on that loop.
class Room final : public ConnectionHandler {
 public:
  Room(ListeningFront& front, Loop& loop) : front_(front), loop_(loop) {}

  void connected(Loop& loop, std::unique_ptr<Stream> stream) override;
  [[nodiscard]] Octets refusal() const override;
  void descriptors_exhausted() override;

  [[nodiscard]] Loop& loop() { return loop_; }
  std::vector<std::unique_ptr<Listener>> listeners;
  std::unordered_set<Guest*> guests;

 private:
  ListeningFront& front_;
  Loop& loop_;
};

class ListeningFront final : public Front {
 public:
  ListeningFront(FrontOptions options, Host& host) : options_(std::move(options)), host_(host) {}

  Result<void, Problem> listen(const std::vector<Endpoint>& at);
  [[nodiscard]] const std::vector<Endpoint>& local() const override { return local_; }
  void start() override;
  void stop() override;
  void each(std::function<void(Guest&)> what) override;

  void admit(Room& room, std::unique_ptr<Stream> stream);
  [[nodiscard]] const FrontOptions& options() const { return options_; }
  [[nodiscard]] const Host& host() const { return host_; }

 private:
  static Task<> entertain(ListeningFront& front, Room& room, std::unique_ptr<Guest> guest);

  FrontOptions options_;
  Host& host_;
  std::vector<std::unique_ptr<Room>> rooms_;
  std::vector<Endpoint> local_;
};

void Room::connected(Loop&, std::unique_ptr<Stream> stream) {
  front_.admit(*this, std::move(stream));
}

Octets Room::refusal() const {
  return front_.host().refusal(ConnectionLimits::Full::total);
}

void Room::descriptors_exhausted() {
  front_.options().log.warning("out of file descriptors; connections are refused until some close",
                               {{"service", front_.options().service}});
}

Result<void, Problem> ListeningFront::listen(const std::vector<Endpoint>& at) {
  for (Loop* loop : options_.loops) rooms_.push_back(std::make_unique<Room>(*this, *loop));
  for (Endpoint endpoint : at) {
    if (auto free = Listener::check_free(endpoint); !free) return free;
    for (const auto& room : rooms_) {
      auto listener = Listener::open(room->loop(), endpoint);
      if (!listener) return fail(std::move(listener.error()));
      endpoint = (*listener)->local();  // port 0: the kernel chose; the other loops share it
      room->listeners.push_back(std::move(*listener));
    }
    local_.push_back(endpoint);
  }
  return {};
}

void ListeningFront::start() {
  for (const auto& room : rooms_)
    for (const auto& listener : room->listeners)
      runtime::spawn(*options_.tasks, room->loop().executor(), "listener", listener->run(*room));
}

void ListeningFront::stop() {
  for (const auto& one : rooms_) {
    Room* room = one.get();
    boost::asio::post(room->loop().executor(), [room] {
      for (const auto& listener : room->listeners) listener->close();
      for (Guest* guest : room->guests) guest->shut_down();
    });
  }
}

void ListeningFront::each(std::function<void(Guest&)> what) {
  for (const auto& one : rooms_) {
    Room* room = one.get();
    boost::asio::post(room->loop().executor(), [room, what] {
      for (Guest* guest : room->guests) what(*guest);
    });
  }
}

void ListeningFront::admit(Room& room, std::unique_ptr<Stream> stream) {
  auto place = options_.limits->enter(stream->peer().address);
  if (!place) {
    options_.turned_away->add();
    stream->refuse(host_.refusal(place.error()));
    return;
  }
  options_.accepted->add();
  auto guest = host_.receive(room.loop(), std::move(stream), std::move(*place));
  runtime::spawn(*options_.tasks, room.loop().executor(), "session", entertain(*this, room, std::move(guest)));
}

Task<> ListeningFront::entertain(ListeningFront& front, Room& room, std::unique_ptr<Guest> guest) {
  // Leaves the room also when the session is cancelled.
  struct Presence {
    ListeningFront& front;
    Room& room;
    Guest* guest;
    ~Presence() {
      room.guests.erase(guest);
      front.options_.open->add(-1);
    }
  };
  room.guests.insert(guest.get());
  front.options_.open->add(1);
  const Presence presence{front, room, guest.get()};
  co_await guest->run();
}

}  // namespace

Result<std::unique_ptr<Front>, Problem> Front::open(FrontOptions options, Host& host, const std::vector<Endpoint>& at) {
  auto front = std::make_unique<ListeningFront>(std::move(options), host);
  if (auto listening = front->listen(at); !listening) return fail(std::move(listening.error()));
  return std::unique_ptr<Front>(std::move(front));
}

}  // namespace posthorn::net
