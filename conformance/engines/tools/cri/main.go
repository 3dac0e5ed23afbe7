// A client of the container runtime interface of Kubernetes, as the kubelet is one: calls any of its methods.
//
//	cri SOCKET METHOD < REQUEST.json
//
// REQUEST is the message of the method in JSON (api.proto of k8s.io/cri-api); the response is printed the same way.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func call(socket, name string, request io.Reader) error {
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	var method reflect.Value
	for _, client := range []any{cri.NewRuntimeServiceClient(connection), cri.NewImageServiceClient(connection)} {
		if found := reflect.ValueOf(client).MethodByName(name); found.IsValid() {
			method = found
		}
	}
	if !method.IsValid() {
		return fmt.Errorf("no such method: %s", name)
	}
	text, err := io.ReadAll(request)
	if err != nil {
		return err
	}
	message := reflect.New(method.Type().In(1).Elem())
	if err := protojson.Unmarshal(text, message.Interface().(proto.Message)); err != nil {
		return err
	}
	// The caller has a deadline, which a slow machine extends.
	results := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), message})
	if err, failed := results[1].Interface().(error); failed {
		return err
	}
	_, err = fmt.Println(protojson.Format(results[0].Interface().(proto.Message)))
	return err
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cri SOCKET METHOD < REQUEST.json")
		os.Exit(2)
	}
	if err := call(os.Args[1], os.Args[2], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
