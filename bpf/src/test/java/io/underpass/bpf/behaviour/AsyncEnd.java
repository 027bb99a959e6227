/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.bpf.behaviour;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** An {@code AsynchronousSocketChannel}; each operation completes a future that is waited for. */
final class AsyncEnd extends NetworkEnd<AsynchronousSocketChannel> {
  AsyncEnd(AsynchronousSocketChannel channel) {
    super(channel);
  }

  /** Hands the completion on. */
  static <T extends Number> CompletionHandler<T, CompletableFuture<T>> handler() {
    return new CompletionHandler<>() {
      @Override
      public void completed(T count, CompletableFuture<T> future) {
        future.complete(count);
      }

      @Override
      public void failed(Throwable cause, CompletableFuture<T> future) {
        future.completeExceptionally(cause);
      }
    };
  }

  @Override
  public int write(ByteBuffer from) throws Exception {
    CompletableFuture<Integer> done = new CompletableFuture<>();
    channel.write(from, done, handler());
    return done.get();
  }

  @Override
  public int read(ByteBuffer into) throws Exception {
    CompletableFuture<Integer> done = new CompletableFuture<>();
    channel.read(into, done, handler());
    return done.get();
  }

  @Override
  public int read(ByteBuffer into, int timeoutMillis) throws Exception {
    CompletableFuture<Integer> done = new CompletableFuture<>();
    channel.read(into, timeoutMillis, TimeUnit.MILLISECONDS, done, handler());
    return done.get();
  }

  @Override
  public void shutdownOutput() throws IOException {
    channel.shutdownOutput();
  }

  @Override
  public void shutdownInput() throws IOException {
    channel.shutdownInput();
  }

  @Override
  public InetSocketAddress remote() throws IOException {
    return (InetSocketAddress) channel.getRemoteAddress();
  }

  @Override
  public Socket socket() {
    return null;
  }
}
