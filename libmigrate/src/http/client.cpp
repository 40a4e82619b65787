#include "migrate/http/client.hpp"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <random>

#include "http/redact.hpp"
#include "http/streams.hpp"
#include "http/text.hpp"
#include "http/transport_errors.hpp"
#include "http/web_page.hpp"
#include "migrate/base64.hpp"
#include "migrate/sink.hpp"
#include "migrate/task_group.hpp"

MIGRATE_BEGIN
namespace http {

using std::chrono::milliseconds;
using Time = std::chrono::system_clock::time_point;

namespace {

/// Of a refused download: enough for an error's text.
constexpr std::size_t error_body = 64 * 1024;
constexpr std::size_t tokens_kept = 4;

bool is_reading(const std::string& method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }
bool is_idempotent(const Request& request) {
  return request.idempotent.value_or(is_reading(request.method) || request.method == "PUT" ||
                                     request.method == "DELETE");
}
bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}
/// A trouble of the moment, by its status.
bool is_passing(int status) {
  return status == 408 || status == 425 || (status >= 500 && status != 501 && status != 505 && status != 511);
}
bool is_whole_url(std::string_view target) {
  const std::string start = lowered(target.substr(0, 8));
  return start.starts_with("http://") || start.starts_with("https://");
}

}  // namespace

class Client::State {
 public:
  State(ClientOptions given, const Services& lent)
      : options(std::move(given)), services(lent), base(parse_url(options.base_url)), origin(base.origin()) {
    if (base.target.find('?') != std::string::npos) {
      throw Error(
          ErrorKind::invalid, "bad_url",
          fmt::format("The address {} has a query: it is put before paths.", redacted_target(options.base_url)));
    }
    prefix = base.target.substr(0, base.target.find_last_not_of('/') + 1);
    if (options.user_agent.empty()) options.user_agent = "libmigrate/" MIGRATE_VERSION;
    transport = services.transport ? services.transport : socket_transport(SocketOptions());
    limiter = options.limiter ? options.limiter
                              : std::make_shared<RateLimiter>(options.limits, services, options.quota_reader);
    random.seed(options.retry.seed != 0 ? options.retry.seed
                                        : static_cast<std::uint64_t>(services.clock->now().time_since_epoch().count()));
    keep_secrets();
  }

  ClientOptions options;
  Services services;
  Url base;
  std::string origin, prefix;
  std::shared_ptr<Transport> transport;
  std::shared_ptr<RateLimiter> limiter;
  std::mt19937_64 random;
  std::shared_ptr<const Secrets> secrets;

  // The token of Auth::token(): one who asks for it at a time, the others wait for what comes.
  Secret token;
  std::uint64_t token_number = 0;      ///< 0: none yet
  std::vector<Secret> earlier_tokens;  ///< the last ones: answers to requests that were sent with them may still come
  std::shared_ptr<Event> token_comes;

  /// A request on its way through repeats and redirects.
  struct Course {
    Url to;
    Request request;
    RateClass taken;
    std::string name;       ///< "POST /path", for people
    std::string led_to;     ///< another origin, by a redirect that has taken the credentials away
    bool own = true;        ///< to the base origin: with credentials
    bool streamed = false;  ///< the answer's body is
    bool idempotent = false;
    bool uncertain = false;  ///< an earlier attempt may have been applied
    bool token_renewed = false;
    int attempt = 1;
    unsigned redirects = 0;
    Time start;
    std::uint64_t token_used = 0;
  };
  struct Outcome {
    Response response;
    std::unique_ptr<ByteStream> body;
    RateLimiter::Permit permit;
  };

  Course course_of(Request request, RateClass taken, bool streamed) {
    Course course;
    if (is_whole_url(request.target)) {
      course.to = parse_url(request.target);
      course.own = course.to.same_origin(base);
      request.target = course.to.target;
    } else if (request.target.starts_with('/') || request.target.starts_with('?')) {
      course.to = base;
      if (!prefix.empty()) request.target.insert(0, prefix);
      if (request.target.starts_with('?')) request.target.insert(0, "/");
    } else {
      throw Error(
          ErrorKind::invalid, "bad_target",
          fmt::format("\"{}\" is neither a path nor an address.", excerpt(redacted_target(request.target), 200)));
    }
    course.name = request.method + " " + std::string(request.path());
    course.taken = course.own || !taken.shares().empty() ? std::move(taken) : RateClass(course.to.origin());
    course.streamed = streamed;
    course.idempotent = is_idempotent(request);
    course.redirects = request.redirects.value_or(options.redirects);
    course.start = services.clock->now();
    course.to.target = request.target;  // what a redirect's relative address is meant from
    course.request = std::move(request);
    return course;
  }

  /// What goes over the wire: the request with the client's own fields.
  Request dressed(const Course& course) const {
    Request request = course.request;
    auto add = [&](const std::string& name, const std::string& value) {
      if (!request.headers.has(name)) request.headers.add(name, value);
    };
    if (course.own) {
      for (const auto& [name, value] : options.headers) add(name, value);
      for (const auto& [name, value] : options.auth.fields_) add(name, value.reveal());
      if (token_number > 0) add("Authorization", "Bearer " + token.reveal());
    }
    add("User-Agent", options.user_agent);
    return request;
  }

  awaitable<Outcome> perform(Course course) {
    for (;;) {
      if (course.own && options.auth.source_) co_await have_token(course);
      Outcome outcome;
      outcome.permit = co_await limiter->acquire(course.taken);
      std::optional<TransportError> failure;
      const bool changes = !is_reading(course.request.method);
      if (changes) services.reach(course.name);
      try {
        co_await exchange(course, outcome);
      } catch (const TransportError& error) {
        failure = error;
      }
      if (changes) services.reach(course.name);
      if (failure) {
        outcome.permit = RateLimiter::Permit();
        const milliseconds wait = wait_after(course, *failure);
        co_await services.clock->sleep(wait);
        continue;
      }
      const milliseconds closed = limiter->answered(outcome.permit, outcome.response);
      std::optional<milliseconds> wait = again(course, outcome.response, closed);
      if (!wait) {
        if (!course.led_to.empty()) outcome.response.request += redirect_note(course.led_to);
        co_return std::move(outcome);
      }
      outcome = Outcome();
      if (wait->count() > 0) co_await services.clock->sleep(*wait);
    }
  }

  awaitable<void> exchange(Course& course, Outcome& outcome) {
    Request request = dressed(course);
    if (!course.streamed) {
      outcome.response = co_await transport->exchange(course.to, std::move(request), options.exchange);
    } else {
      StreamedResponse opened = co_await transport->open(course.to, std::move(request), options.exchange);
      outcome.response.status = opened.status;
      outcome.response.headers = std::move(opened.headers);
      outcome.body = std::move(opened.body);
      if (!outcome.response.ok()) co_await read_refusal(outcome);
    }
    outcome.response.request = course.name;
    outcome.response.secrets_ = secrets;
    outcome.response.repeated_blindly_ = course.uncertain;
  }

  /// As much of a refused download's body as there is: what the head says counts, also where the rest is lost.
  static awaitable<void> read_refusal(Outcome& outcome) {
    std::string& body = outcome.response.body;
    try {
      while (outcome.body && body.size() < error_body) {
        const std::string bytes = co_await outcome.body->read(error_body);
        body += bytes;
        if (bytes.empty()) outcome.body.reset();
      }
    } catch (const TransportError&) {
      outcome.body.reset();
    }
  }

  /// How long to wait before the same once more; nothing when the response is the outcome.
  std::optional<milliseconds> again(Course& course, Response& response, milliseconds closed) {
    const bool may_repeat = !course.request.stream;
    response.refused_for_ = closed;
    if (response.ok()) return std::nullopt;
    if (is_redirect(response.status)) return follow(course, response);
    if (response.status == 401 && course.own && options.auth.source_ && !course.token_renewed && may_repeat) {
      course.token_renewed = true;
      return milliseconds(0);
    }
    if (closed.count() > 0) {  // the limiter keeps the next attempt back
      // A gateway says 503 after the fact, too: that is no certain refusal, whenever it wants to be asked again.
      const bool certain = response.status != 503;
      if (!may_repeat || over_budget(course, closed) || (!certain && !course.idempotent)) return std::nullopt;
      if (!certain && !is_reading(course.request.method)) course.uncertain = true;
      note(course, fmt::format("refused with {}", response.status), closed);
      return milliseconds(0);
    }
    if (!is_passing(response.status) || !may_repeat || !course.idempotent || course.attempt >= options.retry.attempts) {
      return std::nullopt;
    }
    const milliseconds wait = back_off(course.attempt);
    if (over_budget(course, wait)) return std::nullopt;
    if (!is_reading(course.request.method)) course.uncertain = true;
    note(course, fmt::format("answered {}", response.status), wait);
    ++course.attempt;
    return wait;
  }

  std::optional<milliseconds> follow(Course& course, const Response& response) {
    const std::string_view location = response.headers.get("Location");
    const bool reading = course.request.method == "GET" || course.request.method == "HEAD";
    if (!reading || location.empty() || course.request.redirects.value_or(options.redirects) == 0) return std::nullopt;
    if (course.redirects == 0) {
      throw Error(
          ErrorKind::invalid, "too_many_redirects",
          fmt::format("{} is redirected again and again, at last to {}.", course.name, redacted_target(location)));
    }
    --course.redirects;
    Url next = resolve(course.to, location);
    if (course.to.tls && !next.tls) {
      throw Error(ErrorKind::invalid, "insecure_redirect",
                  fmt::format("{} is redirected from https to {}: not followed.", course.name, next.origin()))
          .with_advice("Check the address; a service does not send its clients to an unprotected one.");
    }
    if (!next.same_origin(course.to)) {
      // Whatever proves who is asking stays behind, for good: also when the way leads back.
      if (course.own || !course.led_to.empty()) course.led_to = next.origin();
      course.own = false;
      course.taken = RateClass(next.origin());
      Headers kept;
      for (const auto& [name, value] : course.request.headers) {
        if (!names_secret(name)) kept.add(name, value);
      }
      for (const auto& [name, value] : options.auth.fields_) kept.remove(name);
      course.request.headers = std::move(kept);
    }
    course.request.target = next.target;
    course.to = std::move(next);
    return milliseconds(0);
  }

  /// How long to wait before an exchange that failed is repeated; throws it when it is not.
  milliseconds wait_after(Course& course, const TransportError& failure) {
    const bool safe = !failure.sent() || course.idempotent;
    const milliseconds wait = back_off(course.attempt);
    if (failure.kind() != ErrorKind::transient || course.request.stream || !safe ||
        course.attempt >= options.retry.attempts || over_budget(course, wait)) {
      throw_with_name(course, failure);
    }
    if (failure.sent() && !is_reading(course.request.method)) course.uncertain = true;
    note(course, failure.cause, wait);
    ++course.attempt;
    return wait;
  }

  [[noreturn]] void throw_with_name(const Course& course, const TransportError& failure) const {
    const bool unknown = (failure.sent() || course.uncertain) && !is_reading(course.request.method);
    std::string text = fmt::format("{}: {}", course.name, failure.what());
    if (unknown) text += " Whether it was applied is not known.";
    TransportError named(failure.kind(), failure.cause, secrets->masked(std::move(text)),
                         failure.sent() || course.uncertain);
    named.with_advice(failure.advice);
    throw named;
  }

  milliseconds back_off(int attempt) {
    const double longest = static_cast<double>(options.retry.longest.count());
    const double whole = std::min(longest, static_cast<double>(options.retry.first.count()) *
                                               static_cast<double>(1ULL << std::min(attempt - 1, 40)));
    const double share = 0.5 + 0.5 * static_cast<double>(random() >> 11U) * 0x1.0p-53;
    return milliseconds(static_cast<std::int64_t>(whole * share));
  }
  bool over_budget(const Course& course, milliseconds wait) const {
    return services.clock->now() + wait > course.start + options.retry.budget;
  }
  void note(const Course& course, const std::string& what, milliseconds wait) const {
    services.write_log(LogLevel::info, "http",
                       fmt::format("{} {}: {}; again in {} ms", origin, course.name, what, wait.count()));
  }

  awaitable<void> have_token(Course& course) {
    try {
      co_await renew_token(course);
    } catch (const TransportError& trouble) {
      throw_with_name(course, of_another(trouble, false));
    }
  }

  /// Before the first request, and once after a 401, unless another request has brought a new token meanwhile.
  awaitable<void> renew_token(Course& course) {
    while (token_comes) {
      std::shared_ptr<Event> comes = token_comes;
      co_await comes->wait();
    }
    const bool refused = course.token_renewed && course.token_used == token_number;
    if (token_number == 0 || refused) {
      boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
      Announced announced(*this, executor);
      Secret next = co_await options.auth.source_(refused);
      earlier_tokens.push_back(std::exchange(token, std::move(next)));
      if (earlier_tokens.size() > tokens_kept) earlier_tokens.erase(earlier_tokens.begin());
      ++token_number;
      keep_secrets();
    }
    course.token_used = token_number;
  }
  struct Announced {
    Announced(State& owner, const boost::asio::any_io_executor& executor) : state(owner) {
      state.token_comes = std::make_shared<Event>(executor);
    }
    Announced(const Announced&) = delete;
    Announced& operator=(const Announced&) = delete;
    ~Announced() { std::exchange(state.token_comes, nullptr)->set(); }
    State& state;
  };

  void keep_secrets() {
    auto kept = std::make_shared<Secrets>();
    for (const auto& [name, value] : options.auth.fields_) {
      std::string_view text = value.reveal();
      kept->add(text);
      const std::size_t blank = text.find(' ');
      if (blank == std::string_view::npos) continue;
      text.remove_prefix(blank + 1);
      kept->add(text);
      std::string pair;
      if (!value.reveal().starts_with("Basic ") || !base64_decode(text, pair)) continue;
      const std::string user = pair.substr(0, pair.find(':'));
      kept->add(std::string_view(pair).substr(std::min(user.size() + 1, pair.size())));
      // Some services take a key as the user's name; an address is no secret.
      if (user.size() >= 8 && user.find('@') == std::string::npos) kept->add(user);
    }
    kept->add(token.reveal());
    for (const Secret& earlier : earlier_tokens) kept->add(earlier.reveal());
    secrets = std::move(kept);
  }
};

Client::Client(ClientOptions options, const Services& services)
    : state_(std::make_shared<State>(std::move(options), services)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

RateLimiter& Client::limiter() noexcept { return *state_->limiter; }
const std::string& Client::origin() const noexcept { return state_->origin; }

awaitable<Response> Client::send(Request request, RateClass taken) {
  std::shared_ptr<State> state = state_;
  State::Course course = state->course_of(std::move(request), std::move(taken), false);
  State::Outcome outcome = co_await state->perform(std::move(course));
  co_return std::move(outcome.response);
}

awaitable<StreamedResponse> Client::open(Request request, RateClass taken) {
  std::shared_ptr<State> state = state_;
  State::Course course = state->course_of(std::move(request), std::move(taken), true);
  State::Outcome outcome = co_await state->perform(std::move(course));
  if (!outcome.response.ok()) throw error_of(outcome.response);
  StreamedResponse response;
  response.status = outcome.response.status;
  response.headers = std::move(outcome.response.headers);
  response.body = std::make_unique<Held>(std::move(outcome.body), std::move(outcome.permit));
  co_return response;
}

namespace {

Value json_of(const Response& response) {
  if (!is_answer(response)) throw error_of(response);
  return response.body.empty() ? Value() : response.json();
}

}  // namespace

awaitable<Value> Client::get_json(std::string target, RateClass taken) {
  Request request("GET", std::move(target));
  request.headers.add("Accept", "application/json");
  const Response response = co_await send(std::move(request), std::move(taken));
  co_return json_of(response);
}

awaitable<Value> Client::send_json(std::string method, std::string target, Value body, RateClass taken) {
  Request request(std::move(method), std::move(target));
  request.set_json(body);
  request.headers.add("Accept", "application/json");
  const Response response = co_await send(std::move(request), std::move(taken));
  co_return json_of(response);
}

awaitable<Response> Client::send_step(Step& step, Request request, RateClass taken) {
  Response response;
  std::optional<TransportError> failure;
  try {
    response = co_await send(std::move(request), std::move(taken));
  } catch (const TransportError& error) {
    failure = error;
  }
  if (!failure && is_answer(response)) co_return std::move(response);
  if (failure ? nothing_applied(*failure) : nothing_applied(response)) co_await step.refused();
  if (failure) throw *failure;
  throw error_of(response);
}

}  // namespace http
MIGRATE_END
