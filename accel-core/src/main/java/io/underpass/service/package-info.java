/**
 * What the helper asks of a data path, and the words that both use: {@code helper} calls it, {@code
 * datapath} implements it, {@code cli} brings the two together.
 */
package io.underpass.service;
