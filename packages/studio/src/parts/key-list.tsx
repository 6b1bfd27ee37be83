/** The keys and what they do. */

const keys: readonly (readonly [keys: string, action: string])[] = [
  ['Ctrl K or ⌘ K', 'command palette: go to a view, a team or a run'],
  ['g h, g r, g d', 'Home, Runs, Chat'],
  ['g c, g m', 'Context, Messages'],
  ['g e, g a, g s', 'Teams, Agents, Schedules'],
  ['g v, g u, g o', 'Evaluations, Usage, Health'],
  ['g k, g l', 'API keys, Audit'],
  ['g p, g t, g x', 'Playground, Try it, Settings'],
  ['/', 'search in the view'],
  ['j, k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['x, Shift x', 'select the row; all rows up to it'],
  ['a, r, then Enter', 'Approve, Refuse: the first key only moves the focus'],
  ['t, e, w', 'of a run: Steps, Events, Why'],
  ['i, [, ]', 'details of what is opened; the one before and after it'],
  ['[, ], {, }', 'in Time: event before and after; failure or request before and after'],
  ['Space', 'in Time: play and stop'],
  ['←, →', 'in Steps: fold and unfold'],
  ['c, l', 'copy the id; copy the link of the item with the focus, or of the page'],
  ['?', 'this list'],
  ['Esc', 'close it, or what is opened; clear the selection'],
]

export default function KeyList() {
  return (
    <dl>
      {keys.map(([names, action]) => (
        <div key={names}>
          <dt>
            <kbd>{names}</kbd>
          </dt>
          <dd>{action}</dd>
        </div>
      ))}
    </dl>
  )
}
