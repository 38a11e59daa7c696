import { describe, expect, it } from 'vitest';
import { AddressPreference } from '../../src/strategies/addressPreference.ts';

const A = { address: '192.0.2.1' };
const B = { address: '192.0.2.2' };
const C = { address: '192.0.2.3' };

function resolved(...addresses: { address: string }[]) {
  const preference = new AddressPreference();
  preference.inOrder(addresses, 0);
  return preference;
}

describe('the addresses of a name', () => {
  it('keep the order in which they were resolved', () => {
    expect(resolved().inOrder([B, A, C], 0)).toEqual([B, A, C]);
  });

  it('come last when they are avoided, the one that was avoided last at the end', () => {
    const preference = resolved(A, B, C);
    preference.avoid(B.address, 1);
    preference.avoid(A.address, 2);
    expect(preference.inOrder([A, B, C], 3)).toEqual([C, B, A]);
    preference.avoid(C.address, 4);
    expect(preference.inOrder([A, B, C], 5)).toEqual([B, A, C]);
  });

  it('are avoided for 30 seconds, or until they are trusted again', () => {
    const preference = resolved(A, B);
    preference.avoid(A.address, 1_000);
    expect(preference.inOrder([A, B], 30_999)).toEqual([B, A]);
    expect(preference.inOrder([A, B], 31_000)).toEqual([A, B]);
    preference.avoid(A.address, 40_000);
    preference.trust(A.address);
    expect(preference.inOrder([A, B], 40_000)).toEqual([A, B]);
  });

  it('are not avoided while there is no better one', () => {
    const preference = resolved(A, B);
    preference.avoid(A.address, 0);
    expect([preference.isAvoided(A.address, 1), preference.isAvoided(B.address, 1)]).toEqual([true, false]);
    preference.avoid(B.address, 1);
    expect([preference.isAvoided(A.address, 2), preference.isAvoided(B.address, 2)]).toEqual([false, false]);
  });

  it('are avoided when a connection was made only after they had been tried', () => {
    const preference = resolved(A, B, C);
    preference.connected([A.address, B.address, C.address], 1);
    preference.avoid(C.address, 2);
    expect(preference.isAvoided(C.address, 3)).toBe(false);
    expect(preference.inOrder([A, B, C], 3)).toEqual([A, B, C]);
    preference.connected([C.address, A.address], 4);
    preference.connected(['192.0.2.9', B.address], 4);
    preference.connected([], 4);
    expect(preference.inOrder([C, B, A], 5)).toEqual([B, A, C]);
  });

  it('are not avoided for a connection that began before the order changed', () => {
    const preference = resolved(A, B);
    preference.avoid(A.address, 1);
    expect(preference.inOrder([A, B], 2)).toEqual([B, A]);
    preference.connected([A.address], 3); // it began when A was the first
    expect(preference.inOrder([A, B], 4)).toEqual([B, A]);
    expect(preference.isAvoided(B.address, 4)).toBe(false);
  });

  it('are forgotten when the name no longer has them', () => {
    const preference = resolved(A, B);
    preference.avoid(A.address, 0);
    preference.inOrder([B, C], 1);
    expect(preference.inOrder([A, B], 2)).toEqual([A, B]);
    preference.avoid(C.address, 3);
    expect(preference.inOrder([C, A], 4)).toEqual([C, A]);
  });
});
