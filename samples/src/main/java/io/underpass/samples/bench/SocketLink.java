/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.samples.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;

/** A blocking {@link Socket}, as most programs use it. */
final class SocketLink implements Link {

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final byte[] buffer;

  SocketLink(Socket socket, int capacity) throws IOException {
    this.socket = socket;
    buffer = new byte[capacity];
    socket.setTcpNoDelay(true);
    in = socket.getInputStream();
    out = socket.getOutputStream();
  }

  @Override
  public void write(int bytes) throws IOException {
    out.write(buffer, 0, bytes);
  }

  @Override
  public void readFully(int bytes) throws IOException {
    if (in.readNBytes(buffer, 0, bytes) != bytes) {
      throw new EOFException();
    }
  }

  @Override
  public int readSome() throws IOException {
    return in.read(buffer);
  }

  @Override
  public void forget() throws IOException {
    socket.setSoLinger(true, 0);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
