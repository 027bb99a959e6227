/** The kernel side as the helper drives it: the loaded object, its pins, the sweep, the tables. */
package io.underpass.datapath;
