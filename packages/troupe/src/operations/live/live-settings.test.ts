import { afterEach, describe, expect, it } from 'vitest'
import { settings } from '../../configuration/settings/settings.ts'
import { trials } from './live-setting-cases.test.fixture.ts'
import { liveSettings } from './live-settings.ts'
import { closeAll, opened } from './virtual-clock-troupe.test.fixture.ts'

afterEach(closeAll)

describe('each setting that may change while running', () => {
  it('is in the table of settings, and has a trial here', () => {
    const live = settings.filter(({ live }) => live).map(({ path }) => path)
    expect(live.sort()).toEqual(Object.keys(liveSettings).sort())
    expect(live).toEqual(Object.keys(trials).sort())
  })

  it.each(Object.entries(trials))('%s takes effect at its next use', async (setting, trial) => {
    const one = await opened(trial.config)
    const observe = trial.prepare(one)
    expect(await observe()).toEqual(trial.before)
    expect((await one.troupe.reconfigure(trial.changes)).map((changed) => changed.setting)).toEqual([setting])
    expect(await observe()).toEqual(trial.after)
  })
})
