import { afterEach, describe, expect, it } from 'vitest'
import { settings } from '../../configuration/settings/settings.ts'
import { trials } from './live-setting-cases.test.fixture.ts'
import { liveSettings } from './live-settings.ts'
import { closeAll, opened } from './virtual-clock-troupe.test.fixture.ts'

afterEach(closeAll)

describe('live settings', () => {
  it('The table of live settings contains each setting that can change, and each has a trial in this test.', () => {
    const live = settings.filter(({ live }) => live).map(({ path }) => path)
    expect(live.sort()).toEqual(Object.keys(liveSettings).sort())
    expect(live).toEqual(Object.keys(trials).sort())
  })

  it.each(Object.entries(trials))('The setting %s takes effect at its next use.', async (setting, trial) => {
    const one = await opened(trial.config)
    const observe = trial.prepare(one)
    expect(await observe()).toEqual(trial.before)
    expect((await one.troupe.reconfigure(trial.changes)).map((changed) => changed.setting)).toEqual([setting])
    expect(await observe()).toEqual(trial.after)
  })
})
