/**
 * What the host is and gives: its mounts, its processes, trusted files, and the helper's own
 * privileges.
 */
package io.underpass.host;
