// Many targets in one process: each address answers scrapes with profiles of a given size.
//
//	targets -n 5000 -port 6060 -size 50000
//
// Target number i listens on 127.(16+i/62500).(i/250%250).(1+i%250). /debug/pprof/profile?seconds=N answers
// after N seconds, everything else immediately. /debug/pprof/allocs is this program's own profile, of many
// stacks. GET /count on 127.0.0.1 tells how many profiles have been served.
package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"
)

var served atomic.Int64

//go:noinline
func left(depth int, path int) []byte { return walk(depth-1, path) }

//go:noinline
func right(depth int, path int) []byte { return walk(depth-1, path) }

//go:noinline
func walk(depth int, path int) []byte {
	if depth == 0 {
		return make([]byte, 64+path%7*100)
	}
	if path>>depth&1 == 0 {
		return left(depth, path)
	}
	return right(depth, path)
}

// allocate makes a heap profile of 2^depth stacks, some of which grow between two scrapes.
func allocate(depth int) {
	var kept [][]byte
	for path := 0; path < 1<<depth; path++ {
		kept = append(kept, walk(depth+1, path<<1))
	}
	for turn := 0; ; turn++ {
		for path := 0; path < 1<<depth; path += 5 {
			kept[path] = walk(depth+1, path<<1)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func main() {
	n := flag.Int("n", 1, "targets")
	port := flag.Int("port", 6060, "port of all targets")
	size := flag.Int("size", 50000, "bytes of a profile")
	depth := flag.Int("depth", 9, "2^depth stacks in the heap profile")
	flag.Parse()
	runtime.MemProfileRate = 1
	go allocate(*depth)
	body := make([]byte, *size)
	rand.Read(body)
	copy(body, "\x1f\x8b\x08\x00")
	answer := func(w http.ResponseWriter, r *http.Request) {
		if seconds, err := strconv.Atoi(r.URL.Query().Get("seconds")); err == nil {
			select {
			case <-time.After(time.Duration(seconds) * time.Second):
			case <-r.Context().Done():
				return
			}
		}
		served.Add(1)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", answer)
	mux.HandleFunc("/debug/pprof/allocs", func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		w.Header().Set("Content-Type", "application/octet-stream")
		pprof.Lookup("allocs").WriteTo(w, 0)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, served.Load()) })
	server := &http.Server{Handler: mux}
	for i := 0; i < *n; i++ {
		address := fmt.Sprintf("127.%d.%d.%d:%d", 16+i/62500, i/250%250, 1+i%250, *port)
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		go server.Serve(listener)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Serve(listener))
}
