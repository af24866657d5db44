package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"unsafe"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/open-telemetry/opentelemetry-collector-contrib/connector/signaltometricsconnector/internal/customottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/internal/filter/filterottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottldatapoint"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlexemplar"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlmetric"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlresource"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlscope"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspanevent"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
)

type arg struct {
	Name, Kind string
	Optional   bool
}

func kindOf(t reflect.Type) (string, bool) {
	opt := false
	if strings.HasPrefix(t.Name(), "Optional") {
		opt = true
		z := reflect.New(t).Elem()
		m := z.MethodByName("Get")
		t = m.Type().Out(0)
	}
	list := ""
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		if t.Kind() == reflect.Slice {
			list += "[]"
		}
		t = t.Elem()
	}
	n := t.Name()
	if i := strings.IndexByte(n, '['); i >= 0 {
		n = n[:i]
	}
	return list + n, opt
}

// funcs: any map[string]ottl.Factory[K]
func describe(funcs reflect.Value) map[string][]arg {
	res := map[string][]arg{}
	for _, k := range funcs.MapKeys() {
		f := funcs.MapIndex(k)
		a := f.MethodByName("CreateDefaultArguments").Call(nil)[0]
		var args []arg
		if !a.IsNil() {
			args = []arg{}
			s := a.Elem().Elem()
			for i := 0; i < s.NumField(); i++ {
				kd, opt := kindOf(s.Type().Field(i).Type)
				args = append(args, arg{s.Type().Field(i).Name, kd, opt})
			}
		}
		res[k.String()] = args
	}
	return res
}

func unexported(cfg any, name string) reflect.Value {
	v := reflect.ValueOf(cfg).Elem().FieldByName(name)
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}

// strings in switch cases of the contexts' packages: the candidates of path segments
func candidates(dir string) []string {
	set := map[string]bool{}
	filepath.Walk(dir, func(p string, i os.FileInfo, err error) error {
		if err != nil || i.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			panic(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
				s, _ := strconv.Unquote(b.Value)
				ok := s != ""
				for i, c := range s {
					if !(c >= 'a' && c <= 'z' || c == '_' && i > 0 || c >= '0' && c <= '9' && i > 0) {
						ok = false
					}
				}
				if ok && s != "nil" && s != "true" && s != "false" && s != "or" && s != "and" && s != "not" {
					set[s] = true
				}
			}
			return true
		})
		return nil
	})
	var r []string
	for k := range set {
		r = append(r, k)
	}
	sort.Strings(r)
	return r
}

type probe func(path string) error

func explore(try probe, names []string, prefix string, depth int, out map[string][]string) {
	for _, n := range names {
		p := prefix + n
		var ok []string
		for _, k := range []string{``, `["k"]`, `[0]`, `["k"]["k"]`, `["k"][0]["k"]`} {
			if try(p+k) == nil {
				ok = append(ok, k)
			}
		}
		if len(ok) > 0 {
			out[p] = ok
		}
		// a segment that takes nothing alone may still take a next one
		if depth > 1 {
			explore(try, names, p+".", depth-1, out)
		}
	}
}

// conditions says whether a parser accepts a condition.
func conditions[K any](p ottl.Parser[K], err error) func(string) error {
	if err != nil {
		panic(err)
	}
	return func(text string) error {
		_, err := p.ParseCondition(text)
		return err
	}
}

func facts() {
	set := component.TelemetrySettings{Logger: zap.NewNop()}
	t := transformprocessor.NewFactory().CreateDefaultConfig().(*transformprocessor.Config)
	f := filterprocessor.NewFactory().CreateDefaultConfig().(*filterprocessor.Config)
	fn := map[string]map[string][]arg{
		"standard.functions":   describe(reflect.ValueOf(ottlfuncs.StandardFuncs[*ottlresource.TransformContext]())),
		"standard.converters":  describe(reflect.ValueOf(ottlfuncs.StandardConverters[*ottlresource.TransformContext]())),
		"filterottl.span":      describe(reflect.ValueOf(filterottl.StandardSpanFuncs())),
		"filterottl.spanevent": describe(reflect.ValueOf(filterottl.StandardSpanEventFuncs())),
		"filterottl.metric":    describe(reflect.ValueOf(filterottl.StandardMetricFuncs())),
		"filterottl.datapoint": describe(reflect.ValueOf(filterottl.StandardDataPointFuncs())),
		"filterottl.exemplar":  describe(reflect.ValueOf(filterottl.StandardExemplarFuncs())),
		"filterottl.scope":     describe(reflect.ValueOf(filterottl.StandardScopeFuncs())),
		"filterottl.log":       describe(reflect.ValueOf(filterottl.StandardLogFuncs())),
		"filterottl.resource":  describe(reflect.ValueOf(filterottl.StandardResourceFuncs())),
	}
	fn["signaltometrics.span"] = describe(reflect.ValueOf(customottl.SpanFuncs()))
	fn["signaltometrics.datapoint"] = describe(reflect.ValueOf(customottl.DatapointFuncs()))
	fn["signaltometrics.log"] = describe(reflect.ValueOf(customottl.LogFuncs()))
	for ctx, field := range map[string]string{"datapoint": "dataPointFunctions", "exemplar": "exemplarFunctions", "log": "logFunctions", "metric": "metricFunctions", "spanevent": "spanEventFunctions", "span": "spanFunctions"} {
		fn["transform."+ctx] = describe(unexported(t, field))
	}
	for ctx, field := range map[string]string{"datapoint": "dataPointFunctions", "log": "logFunctions", "metric": "metricFunctions", "spanevent": "spanEventFunctions", "span": "spanFunctions", "resource": "resourceFunctions"} {
		fn["filter."+ctx] = describe(unexported(f, field))
	}
	dir := os.Args[2]
	names := candidates(dir + "/contexts/internal")
	paths := map[string]map[string][]string{}
	enums := map[string][]string{}
	var syms []string
	symset := map[string]bool{}
	filepath.Walk(dir+"/contexts", func(p string, i os.FileInfo, err error) error {
		if err != nil || i.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		fl, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			panic(err)
		}
		ast.Inspect(fl, func(n ast.Node) bool {
			if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING {
				s, _ := strconv.Unquote(b.Value)
				if s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" {
					symset[s] = true
				}
			}
			return true
		})
		return nil
	})
	for s := range symset {
		syms = append(syms, s)
	}
	sort.Strings(syms)
	contextNames := map[string][]string{}
	addCtx := func(ctx string, with, without func(string) error) {
		// context names: those for which "x.nosuch" is not refused as a context
		for _, n := range names {
			if err := with(n + ".no_such_segment == 1"); err != nil && !strings.Contains(err.Error(), "is not valid, it must be replaced") {
				contextNames[ctx] = append(contextNames[ctx], n)
			}
		}
		out := map[string][]string{}
		for _, c := range contextNames[ctx] {
			depth := 3
			if c == "otelcol" {
				depth = 4
			}
			own := append(candidates(dir+"/contexts/internal/ctx"+strings.TrimPrefix(c, "instrumentation_")), "cache")
			explore(func(p string) error { return with(p + " == 1") }, own, c+".", depth, out)
		}
		paths[ctx] = out
		plain := map[string][]string{}
		trial := map[string]bool{}
		for _, n := range names {
			trial[n] = true
		}
		for p := range out {
			trial[p] = true
			i := strings.IndexByte(p, '.')
			trial[p[i+1:]] = true
			for _, n := range contextNames[ctx] {
				trial[n+"."+p] = true
				trial[n+"."+p[i+1:]] = true
			}
			// keys on a segment that is not the last
			segs := strings.Split(p, ".")
			for i := 1; i < len(segs)-1; i++ {
				q := strings.Join(segs[:i+1], ".") + `["k"].` + strings.Join(segs[i+1:], ".")
				if with(q+" == 1") == nil {
					out[q] = []string{"KEYS INSIDE"}
				}
			}
		}
		for p := range trial {
			explore(func(q string) error { return without(q + " == 1") }, []string{p}, "", 1, plain)
		}
		paths[ctx+" without contexts"] = plain
		for _, s := range syms {
			if with("1 == "+s) == nil {
				enums[ctx] = append(enums[ctx], s)
			}
		}
	}
	addCtx("log",
		conditions(ottllog.NewParser(filterottl.StandardLogFuncs(), set, ottllog.EnablePathContextNames())),
		conditions(ottllog.NewParser(filterottl.StandardLogFuncs(), set)))
	addCtx("span",
		conditions(ottlspan.NewParser(filterottl.StandardSpanFuncs(), set, ottlspan.EnablePathContextNames())),
		conditions(ottlspan.NewParser(filterottl.StandardSpanFuncs(), set)))
	addCtx("spanevent",
		conditions(ottlspanevent.NewParser(filterottl.StandardSpanEventFuncs(), set, ottlspanevent.EnablePathContextNames())),
		conditions(ottlspanevent.NewParser(filterottl.StandardSpanEventFuncs(), set)))
	addCtx("metric",
		conditions(ottlmetric.NewParser(filterottl.StandardMetricFuncs(), set, ottlmetric.EnablePathContextNames())),
		conditions(ottlmetric.NewParser(filterottl.StandardMetricFuncs(), set)))
	addCtx("datapoint",
		conditions(ottldatapoint.NewParser(filterottl.StandardDataPointFuncs(), set, ottldatapoint.EnablePathContextNames())),
		conditions(ottldatapoint.NewParser(filterottl.StandardDataPointFuncs(), set)))
	addCtx("exemplar",
		conditions(ottlexemplar.NewParser(filterottl.StandardExemplarFuncs(), set, ottlexemplar.EnablePathContextNames())),
		conditions(ottlexemplar.NewParser(filterottl.StandardExemplarFuncs(), set)))
	addCtx("resource",
		conditions(ottlresource.NewParser(filterottl.StandardResourceFuncs(), set, ottlresource.EnablePathContextNames())),
		conditions(ottlresource.NewParser(filterottl.StandardResourceFuncs(), set)))
	addCtx("scope",
		conditions(ottlscope.NewParser(filterottl.StandardScopeFuncs(), set, ottlscope.EnablePathContextNames())),
		conditions(ottlscope.NewParser(filterottl.StandardScopeFuncs(), set)))
	b, _ := json.MarshalIndent(map[string]any{"functions": fn, "paths": paths, "contexts": contextNames, "enums": enums, "segments": names}, "", " ")
	os.Stdout.Write(b)
}
