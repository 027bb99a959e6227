/**
 * The helper's protocol: the codec of its lines, the values they carry, and the client; see {@code
 * docs/protocol.md}.
 */
package io.underpass.protocol;
