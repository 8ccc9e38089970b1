"""A site of nothing but the admin, with the app or, unless BENCHMARK_WITH_APP is set, without."""
