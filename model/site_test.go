package model

import "testing"

func TestUserSiteIsOutsideTheLibrary(t *testing.T) {
	const lib = "github.com/millrace/millrace"
	for _, tt := range []struct {
		function, file string
		library        bool
	}{
		{lib + "/transforms.Map[...]", "map.go", true},
		{lib + "/transforms.Map[...].func1", "map.go", true},
		{lib + "/io/textio.Read", "read.go", true},
		{lib + "/testing/streamtest.Input[...]", "input.go", true},
		{lib + ".Main", "millrace.go", true},

		{"main.main", "main.go", false},
		{"runtime.main", "proc.go", false},
		{"example.com/shop/orders.Build", "build.go", false},
		{lib + "-extras/kinesisio.Read", "read.go", false},

		// What is written as a user would write it counts as a user's.
		{lib + "/transforms_test.ExampleMap", "map_example_test.go", false},
		{lib + "/transforms.TestMap", "map_test.go", false},
		{lib + "/examples/flights.build", "build.go", false},
		{lib + "/cmd/nexmark.main", "main.go", false},
		{lib + "/testing/nexmark/pipeline.q5", "pipeline.go", false},
	} {
		if got := inLibrary(tt.function, tt.file); got != tt.library {
			t.Errorf("%s in %s: library is %v, want %v", tt.function, tt.file, got, tt.library)
		}
	}
}

func TestSiteReadsAsFileAndLine(t *testing.T) {
	for _, tt := range []struct {
		site Site
		want string
	}{
		{Site{"/home/ann/shop/orders.go", 12}, "orders.go:12"},
		{Site{}, "unknown"},
	} {
		if got := tt.site.String(); got != tt.want {
			t.Errorf("%#v reads %q, want %q", tt.site, got, tt.want)
		}
	}
}
