// Times and durations from and to text.
#include "libacme/base/time.hpp"

#include "libacme/base/text.hpp"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace certd {

namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                           "Thursday", "Friday", "Saturday"};

struct Fields {
    int year = 0;
    unsigned month = 0, day = 0;
    int hour = 0, minute = 0, second = 0;
    int millisecond = 0;
};

Fields fields_of(Time time) {
    auto day = std::chrono::floor<std::chrono::days>(time);
    year_month_day date{day};
    auto rest = (time - day).count();
    return {static_cast<int>(date.year()),    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
            static_cast<int>(rest / 3600000), static_cast<int>(rest / 60000 % 60), static_cast<int>(rest / 1000 % 60),
            static_cast<int>(rest % 1000)};
}

std::optional<Time> time_of(const Fields& fields) {
    year_month_day date{std::chrono::year(fields.year), std::chrono::month(fields.month), std::chrono::day(fields.day)};
    // A leap second is read as the second after it (RFC 3339 §5.7 allows 60).
    if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60) return std::nullopt;
    return Time(sys_days(date)) + hours(fields.hour) + minutes(fields.minute) + seconds(fields.second) +
           milliseconds(fields.millisecond);
}

// Consumes text from the front; any mismatch makes it fail for good.
class Scanner {
   public:
    explicit Scanner(std::string_view text) : text_(text) {}

    int digits(std::size_t count) {
        int value = 0;
        if (text_.size() < count) return bad();
        for (std::size_t i = 0; i < count; ++i) {
            if (text_[i] < '0' || text_[i] > '9') return bad();
            value = value * 10 + (text_[i] - '0');
        }
        text_.remove_prefix(count);
        return value;
    }
    bool skip(std::string_view expected) {
        if (!text_.starts_with(expected)) return false;
        text_.remove_prefix(expected.size());
        return true;
    }
    void expect(std::string_view expected) {
        if (!skip(expected)) bad();
    }
    template <std::size_t N>
    unsigned one_of(const std::array<std::string_view, N>& words) {
        for (unsigned i = 0; i < N; ++i) {
            if (skip(words[i])) return i;
        }
        return static_cast<unsigned>(bad());
    }
    int bad() {
        good_ = false;
        return 0;
    }
    bool next_is_digit() const { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }
    bool good() const { return good_; }
    bool done() const { return good_ && text_.empty(); }

   private:
    std::string_view text_;
    bool good_ = true;
};

int scan_fraction(Scanner& scanner) {
    int millisecond = 0;
    int weight = 100;
    if (!scanner.next_is_digit()) return scanner.bad();
    while (scanner.next_is_digit()) {
        millisecond += scanner.digits(1) * weight;
        weight /= 10;
    }
    return millisecond;
}

Duration scan_offset(Scanner& scanner) {
    if (scanner.skip("Z") || scanner.skip("z")) return Duration::zero();
    bool negative = scanner.skip("-");
    if (!negative) scanner.expect("+");
    int hour = scanner.digits(2);
    scanner.expect(":");
    int minute = scanner.digits(2);
    if (hour > 23 || minute > 59) scanner.bad();
    Duration offset = hours(hour) + minutes(minute);
    return negative ? -offset : offset;
}

void scan_clock(Scanner& scanner, Fields& fields) {
    fields.hour = scanner.digits(2);
    scanner.expect(":");
    fields.minute = scanner.digits(2);
    scanner.expect(":");
    fields.second = scanner.digits(2);
}

std::optional<Time> parse_imf_fixdate(std::string_view text) {  // Sun, 06 Nov 1994 08:49:37 GMT
    Scanner scanner(text);
    Fields fields;
    scanner.one_of(weekdays);
    scanner.expect(", ");
    fields.day = static_cast<unsigned>(scanner.digits(2));
    scanner.expect(" ");
    fields.month = scanner.one_of(months) + 1;
    scanner.expect(" ");
    fields.year = scanner.digits(4);
    scanner.expect(" ");
    scan_clock(scanner, fields);
    scanner.expect(" GMT");
    return scanner.done() ? time_of(fields) : std::nullopt;
}

std::optional<Time> parse_rfc850(std::string_view text) {  // Sunday, 06-Nov-94 08:49:37 GMT
    Scanner scanner(text);
    Fields fields;
    scanner.one_of(long_weekdays);
    scanner.expect(", ");
    fields.day = static_cast<unsigned>(scanner.digits(2));
    scanner.expect("-");
    fields.month = scanner.one_of(months) + 1;
    scanner.expect("-");
    int year = scanner.digits(2);
    fields.year = year < 70 ? 2000 + year : 1900 + year;
    scanner.expect(" ");
    scan_clock(scanner, fields);
    scanner.expect(" GMT");
    return scanner.done() ? time_of(fields) : std::nullopt;
}

std::optional<Time> parse_asctime(std::string_view text) {  // Sun Nov  6 08:49:37 1994
    Scanner scanner(text);
    Fields fields;
    scanner.one_of(weekdays);
    scanner.expect(" ");
    fields.month = scanner.one_of(months) + 1;
    scanner.expect(" ");
    fields.day = static_cast<unsigned>(scanner.skip(" ") ? scanner.digits(1) : scanner.digits(2));
    scanner.expect(" ");
    scan_clock(scanner, fields);
    scanner.expect(" ");
    fields.year = scanner.digits(4);
    return scanner.done() ? time_of(fields) : std::nullopt;
}

struct Unit {
    std::string_view suffix;
    std::int64_t milliseconds;
};
constexpr std::array<Unit, 6> units = {Unit{"w", 7LL * 86400000}, Unit{"d", 86400000}, Unit{"h", 3600000},
                                       Unit{"m", 60000},          Unit{"s", 1000},     Unit{"ms", 1}};

std::optional<std::int64_t> unit_of(std::string_view suffix) {
    for (const Unit& unit : units) {
        if (unit.suffix == suffix) return unit.milliseconds;
    }
    return std::nullopt;
}

}  // namespace

std::string format_rfc3339(Time time) {
    Fields fields = fields_of(time);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", fields.year, fields.month, fields.day,
                                   fields.hour, fields.minute, fields.second);
    if (fields.millisecond != 0) text += fmt::format(".{:03}", fields.millisecond);
    return text + "Z";
}

std::optional<Time> parse_rfc3339(std::string_view text) {
    Scanner scanner(text);
    Fields fields;
    fields.year = scanner.digits(4);
    scanner.expect("-");
    fields.month = static_cast<unsigned>(scanner.digits(2));
    scanner.expect("-");
    fields.day = static_cast<unsigned>(scanner.digits(2));
    if (!scanner.skip("T") && !scanner.skip("t")) scanner.expect(" ");
    scan_clock(scanner, fields);
    if (scanner.skip(".")) fields.millisecond = scan_fraction(scanner);
    Duration offset = scan_offset(scanner);
    if (!scanner.done()) return std::nullopt;
    auto time = time_of(fields);
    return time ? std::optional(*time - offset) : std::nullopt;
}

std::string format_http_date(Time time) {
    Fields fields = fields_of(time);
    std::chrono::weekday weekday{std::chrono::floor<std::chrono::days>(time)};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekdays[weekday.c_encoding()], fields.day,
                       months[fields.month - 1], fields.year, fields.hour, fields.minute, fields.second);
}

std::optional<Time> parse_http_date(std::string_view text) {
    if (auto time = parse_imf_fixdate(text)) return time;
    if (auto time = parse_rfc850(text)) return time;
    return parse_asctime(text);
}

std::optional<Duration> parse_duration(std::string_view text) {
    constexpr std::int64_t limit = std::int64_t{1} << 52;
    text = trim(text);
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    while (!text.empty()) {
        std::int64_t count = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (error != std::errc{} || count < 0) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        std::size_t letters = 0;
        while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z')
            ++letters;
        auto unit = unit_of(text.substr(0, letters));
        if (!unit || count > limit / *unit) return std::nullopt;
        total += count * *unit;
        if (total > limit) return std::nullopt;
        text = trim(text.substr(letters));
    }
    return Duration(total);
}

std::string format_duration(Duration duration) {
    std::int64_t rest = duration.count();
    if (rest == 0) return "0s";
    std::string text = rest < 0 ? "-" : "";
    if (rest < 0) rest = -rest;
    for (const Unit& unit : units) {
        if (unit.suffix == "w" || rest < unit.milliseconds) continue;
        if (text.size() > 1) text += ' ';
        text += fmt::format("{}{}", rest / unit.milliseconds, unit.suffix);
        rest %= unit.milliseconds;
    }
    return text;
}

std::string format_approximate(Duration duration) {
    std::string sign = duration < Duration::zero() ? "-" : "";
    std::int64_t value = duration < Duration::zero() ? -duration.count() : duration.count();
    if (value < 10000) return sign + fmt::format("{:.1f}s", static_cast<double>(value) / 1000);
    std::int64_t second = value / 1000;
    if (second < 60) return sign + fmt::format("{}s", second);
    if (second < 3600) return sign + fmt::format("{}m {}s", second / 60, second % 60);
    if (second < 86400) return sign + fmt::format("{}h {}m", second / 3600, second / 60 % 60);
    return sign + fmt::format("{}d {}h", second / 86400, second / 3600 % 24);
}

Time saturating_add(Time time, Duration duration) {
    Duration::rep sum = 0;
    if (__builtin_add_overflow(time.time_since_epoch().count(), duration.count(), &sum)) {
        return duration > Duration::zero() ? Time::max() : Time::min();
    }
    return Time(Duration(sum));
}

std::optional<Time> parse_retry_after(std::string_view text, Time now) {
    text = trim(text);
    if (text.empty()) return std::nullopt;
    if (text.find_first_not_of("0123456789") != std::string_view::npos) return parse_http_date(text);
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 1000;
    std::int64_t count = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc::result_out_of_range || count > limit) count = limit;
    return saturating_add(now, seconds(count));
}

}  // namespace certd
