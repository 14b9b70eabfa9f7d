// A braced aggregate and a by-value capture in a statement with co_await: some compilers destroy them twice
// (GCC before 14, PR 107288 and its kin). Exit status 0 when each object dies once.
#include <coroutine>
#include <string>
#include <utility>

struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

int alive = 0;
struct Counted {
    Counted() { ++alive; }
    Counted(const Counted&) { ++alive; }
    Counted(Counted&&) noexcept { ++alive; }
    ~Counted() { --alive; }
};
struct Aggregate {
    Counted counted;
    std::string text;
};
struct Awaiter {
    Aggregate value;
    bool await_ready() { return true; }
    void await_suspend(std::coroutine_handle<>) {}
    int await_resume() { return 1; }
};
Awaiter take(Aggregate value) {
    return Awaiter{std::move(value)};
}
template <class F>
Awaiter call(F function) {
    return Awaiter{function()};
}

Task run() {
    co_await take({Counted{}, "text long enough to be on the heap, not inside the string"});
    Counted captured;
    co_await call([captured] { return Aggregate{captured, std::string(100, 'x')}; });
}

int main() {
    run();
    return alive == 0 ? 0 : 1;
}
