// Pubsub serves Google's own in-memory Pub/Sub over gRPC on a free loopback port, prints host:port and runs until
// its standard input ends, so that it never outlives the process that started it.
package main

import (
	"fmt"
	"io"
	"os"

	"cloud.google.com/go/pubsub/v2/pstest"
)

func main() {
	server := pstest.NewServer()
	defer server.Close()
	fmt.Println(server.Addr)
	io.Copy(io.Discard, os.Stdin)
}
