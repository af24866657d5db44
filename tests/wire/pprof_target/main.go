// A target as applications are: net/http/pprof and godeltaprof, some allocations, contention and CPU time.
//
//	target PORT
package main

import (
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	_ "github.com/grafana/pyroscope-go/godeltaprof/http/pprof"
)

var (
	kept [][]byte
	lock sync.Mutex
)

//go:noinline
func allocateInTheTest() { kept = append(kept[:len(kept)%1000], make([]byte, 10_000)) }

//go:noinline
func allocateAtTheStart() {
	for i := 0; i < 200_000; i++ {
		kept = append(kept[:0], make([]byte, 10))
	}
}

//go:noinline
func burnInTheTest(d time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); {
		for i := 0; i < 10_000; i++ {
			_ = i * i
		}
	}
}

func main() {
	runtime.MemProfileRate = 1
	allocateAtTheStart()
	runtime.GC() // a profile has what was allocated before the last collection
	debug.SetGCPercent(5)
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	for i := 0; i < 2; i++ {
		go func() {
			for {
				lock.Lock()
				allocateInTheTest()
				burnInTheTest(2 * time.Millisecond)
				lock.Unlock()
				time.Sleep(20 * time.Millisecond)
			}
		}()
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
