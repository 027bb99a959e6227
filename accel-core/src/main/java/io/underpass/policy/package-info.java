/** The administrator's files: who may register, who trusts whom, port groups, rules by port. */
package io.underpass.policy;
