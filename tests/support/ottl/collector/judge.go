// Reads cases, one JSON object a line, and prints the verdicts of the parsers that Alloy calls on loading;
// with "facts DIR", where DIR has the source of pkg/ottl, prints what functions and contexts there are.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-viper/mapstructure/v2"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"

	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/signaltometricsconnector/config"
	"github.com/open-telemetry/opentelemetry-collector-contrib/internal/filter/filterottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
)

// Case is a text at its place in a component: transform, filter, filter_old, tail or s2m.
type Case struct {
	Kind       string   `json:"kind"`
	Signal     string   `json:"signal"`
	Context    string   `json:"context"`
	Statements []string `json:"statements"`
	Conditions []string `json:"conditions"`
	Value      string   `json:"value"`
}

func judge(c Case) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("PANIC: %v", r)
		}
	}()
	set := component.TelemetrySettings{Logger: zap.NewNop()}
	switch c.Kind {
	case "transform":
		in := map[string]any{"error_mode": ottl.IgnoreError, c.Signal + "_statements": []any{map[string]any{
			"context": c.Context, "statements": c.Statements, "conditions": c.Conditions, "error_mode": ottl.ErrorMode("")}}}
		cfg := transformprocessor.NewFactory().CreateDefaultConfig().(*transformprocessor.Config)
		if err := mapstructure.Decode(in, cfg); err != nil {
			return err
		}
		return cfg.Validate()
	case "filter":
		in := map[string]any{"error_mode": ottl.IgnoreError, c.Signal + "_conditions": []any{map[string]any{
			"context": c.Context, "conditions": c.Conditions, "error_mode": ottl.ErrorMode("")}}}
		cfg := filterprocessor.NewFactory().CreateDefaultConfig().(*filterprocessor.Config)
		if err := mapstructure.Decode(in, cfg); err != nil {
			return err
		}
		return cfg.Validate()
	case "filter_old":
		in := map[string]any{"error_mode": ottl.IgnoreError, c.Signal: map[string]any{c.Context: c.Conditions}}
		cfg := filterprocessor.NewFactory().CreateDefaultConfig().(*filterprocessor.Config)
		if err := mapstructure.Decode(in, cfg); err != nil {
			return err
		}
		return cfg.Validate()
	case "tail":
		if c.Context == "span" {
			_, err := filterottl.NewBoolExprForSpanWithPathContextNames(c.Conditions, filterottl.StandardSpanFuncs(), ottl.PropagateError, set)
			return err
		}
		_, err := filterottl.NewBoolExprForSpanEventWithPathContextNames(c.Conditions, filterottl.StandardSpanEventFuncs(), ottl.PropagateError, set)
		return err
	case "s2m":
		m := config.MetricInfo{Name: "x", Conditions: c.Conditions}
		v := c.Value
		if v == "" {
			v = "1"
		}
		if c.Context == "gauge" {
			m.Gauge = configoptional.Some(config.Gauge{Value: v})
		} else {
			m.Sum = configoptional.Some(config.Sum{Value: v})
		}
		cfg := &config.Config{ErrorMode: ottl.PropagateError}
		switch c.Signal {
		case "spans":
			cfg.Spans = []config.MetricInfo{m}
		case "datapoints":
			cfg.Datapoints = []config.MetricInfo{m}
		case "logs":
			cfg.Logs = []config.MetricInfo{m}
		}
		return cfg.Validate()
	}
	panic("kind " + c.Kind)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "facts" {
		facts()
		return
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	sc := bufio.NewScanner(os.Stdin)
	sc.Buffer(nil, 1<<26)
	for sc.Scan() {
		var c Case
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			panic(err)
		}
		msg := ""
		if err := judge(c); err != nil {
			msg = err.Error()
		}
		b, _ := json.Marshal(map[string]any{"error": msg})
		out.Write(b)
		out.WriteByte('\n')
	}
}
