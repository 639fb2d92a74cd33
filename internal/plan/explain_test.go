package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// TestExplain prints the plans of pipelines, each found by its name in pipelines.
// With the argument lines, it prints how many lines the plan has instead.
func TestExplain(t *testing.T) {
	told := map[string]bool{}
	datadriven.RunTest(t, "testdata/explain", func(t *testing.T, d *datadriven.TestData) string {
		build, ok := pipelines[d.Cmd]
		if !ok {
			d.Fatalf(t, "no pipeline %q", d.Cmd)
		}
		told[d.Cmd] = true
		var p model.Pipeline
		build(&p)
		pl, err := plan.New(&p)
		if err != nil {
			return err.Error()
		}
		if d.HasArg("lines") {
			return fmt.Sprintf("%d lines", strings.Count(pl.Explain(), "\n"))
		}
		return pl.Explain()
	})
	for name := range pipelines {
		if !told[name] {
			t.Errorf("testdata/explain does not tell %q", name)
		}
	}
}
