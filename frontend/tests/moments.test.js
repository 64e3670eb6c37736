import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Moments, parseMoment } from '../remote/moments.js';

const NOW = Date.UTC(2026, 10, 28, 12);
const MINUTE = 60_000;

test('moments are told by how long ago they were', () => {
  const moments = new Moments({ locale: 'en_US', timezone: 'Europe/Berlin' });
  for (const [minutes, words] of [
    [0, 'just now'],
    [0.9, 'just now'],
    [1, '1 minute ago'],
    [59, '59 minutes ago'],
    [60, '1 hour ago'],
    [60 * 23, '23 hours ago'],
    [60 * 24, 'yesterday'],
    [60 * 24 * 6, '6 days ago'],
    [-5, 'in 5 minutes'],
  ]) {
    assert.equal(moments.ago(NOW - minutes * MINUTE, NOW), words);
  }
});

test('beyond a week the day is told, in the reader’s time zone', () => {
  const at = (timezone) => new Moments({ locale: 'en-GB', timezone }).ago(Date.UTC(2026, 10, 1, 23, 30), NOW);
  assert.match(at('Europe/Berlin'), /^2 Nov 2026, 00:30$/);
  assert.match(at('UTC'), /^1 Nov 2026, 23:30$/);
});

test('whatever the product says of the reader, there are moments', () => {
  for (const context of [undefined, {}, { locale: 'de_DE' }, { locale: '?' }, { timezone: 'Mars/Olympus' }]) {
    assert.equal(new Moments(context).ago(NOW - 2 * MINUTE, NOW), '2 minutes ago');
  }
});

test('both products’ ways of writing moments are read', () => {
  assert.equal(parseMoment('2026-11-28T12:00:00.000Z'), NOW);
  assert.equal(parseMoment('2026-11-28T13:00:00.000+0100'), NOW);
  for (const written of [undefined, null, '', 'yesterday']) {
    assert.equal(parseMoment(written), undefined);
  }
});
