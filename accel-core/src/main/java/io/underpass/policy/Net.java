/* SPDX-License-Identifier: Apache-2.0 */
package io.underpass.policy;

import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * A block of addresses, IPv4 or IPv6.
 *
 * @param text as written
 * @param base an address in it
 * @param prefix how many of its bits are fixed
 */
public record Net(String text, InetAddress base, int prefix) {
  /**
   * Reads {@code address} or {@code address/length}.
   *
   * @throws IllegalArgumentException if it is neither
   */
  public static Net parse(String text) {
    int slash = text.indexOf('/');
    InetAddress base = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
    int bits = base.getAddress().length * Byte.SIZE;
    int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
    if (prefix < 0 || prefix > bits) {
      throw new IllegalArgumentException("no prefix of " + bits + " bits");
    }
    return new Net(text, base, prefix);
  }

  /** The 16 bytes of an address, IPv4 as v4-mapped: as the kernel side keeps them. */
  public static byte[] mapped(InetAddress address) {
    byte[] own = address.getAddress();
    if (own.length == 16) {
      return own;
    }
    byte[] bytes = new byte[16];
    bytes[10] = (byte) 0xff;
    bytes[11] = (byte) 0xff;
    System.arraycopy(own, 0, bytes, 12, 4);
    return bytes;
  }

  /** The other way round. */
  public static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes); // v4-mapped becomes IPv4
    } catch (UnknownHostException e) {
      throw new AssertionError("4 or 16 bytes are an address", e);
    }
  }

  public boolean contains(InetAddress address) {
    byte[] ours = base.getAddress();
    byte[] theirs = address.getAddress();
    if (ours.length != theirs.length) {
      return false;
    }
    for (int bit = 0; bit < prefix; bit++) {
      if (((ours[bit >> 3] ^ theirs[bit >> 3]) & 0x80 >> (bit & 7)) != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * How many addresses {@link #host} has, at most {@code limit}: all but the first and the last.
   */
  public int hosts(int limit) {
    int free = base.getAddress().length * Byte.SIZE - prefix;
    return free >= Integer.SIZE - 2 ? limit : Math.clamp((1L << free) - 2, 0, limit);
  }

  /** The address so many after the second one of the block, which has index 0. */
  public InetAddress host(int index) {
    byte[] address = base.getAddress();
    for (int bit = prefix; bit < address.length * Byte.SIZE; bit++) {
      address[bit >> 3] &= (byte) ~(0x80 >> (bit & 7));
    }
    long sum = index + 1L;
    for (int at = address.length - 1; sum != 0; at--) {
      sum += address[at] & 0xff;
      address[at] = (byte) sum;
      sum >>= Byte.SIZE;
    }
    return address(address);
  }

  @Override
  public String toString() {
    return text;
  }
}
