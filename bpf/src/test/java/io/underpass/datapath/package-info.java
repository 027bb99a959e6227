/** What tests see of the data path beyond what the helper tells. */
package io.underpass.datapath;
