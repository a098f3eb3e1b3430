'use strict'
{
  const { report, urls, texts } = JSON.parse(document.getElementById('data').textContent)
  const get = id => document.getElementById(id)
  const number = count => count.toLocaleString('en')
  const seconds = time => time < 10 ? `${time.toFixed(1)} s` : time < 60 ? `${Math.round(time)} s` : `${Math.floor(time / 60)} min ${Math.round(time % 60)} s`
  /// An element with attributes and children; a text is only ever text.
  const make = (name, attributes, ...children) => {
    const element = document.createElement(name)
    for (const [key, value] of Object.entries(attributes || {})) element[key] = value
    element.append(...children)
    return element
  }
  const link = url => /^https?:\/\//.test(url) ? make('a', { href: url, rel: 'noopener noreferrer', target: '_blank' }, url) : url
  const count = (some, one, many) => `${number(some)} ${some === 1 ? one : many}`
  const OUTCOMES = ['failed', 'unknown', 'unsubmitted', 'done', 'planned']
  const operationOf = ({ operation, kind }) => kind && kind !== 'url' ? `${operation} (${kind})` : operation

  /// Shows the visible rows of a list of any length. Browsers end an element at some 17 million pixels.
  const MOST = 500000
  const show = (list, height, render) => {
    let length = 0, from = -1, to = -1, frame = 0
    const rows = new Map()
    const space = make('div', { className: 'space' })
    list.append(space)
    const draw = () => {
      frame = 0
      const first = Math.max(0, Math.floor(list.scrollTop / height) - 5)
      const last = Math.min(length, Math.ceil((list.scrollTop + list.clientHeight) / height) + 5)
      if (first === from && last === to) return
      from = first
      to = last
      for (const [index, row] of rows) if (index < first || index >= last) { row.remove(); rows.delete(index) }
      for (let index = first; index < last; index++) {
        if (rows.has(index)) continue
        const row = render(index)
        row.style.top = `${index * height}px`
        row.style.height = `${height}px`
        row.setAttribute('aria-posinset', index + 1)
        row.setAttribute('aria-setsize', length)
        rows.set(index, row)
        list.append(row)
      }
    }
    const later = () => { frame ||= requestAnimationFrame(draw) }
    list.addEventListener('scroll', later)
    new ResizeObserver(later).observe(list)
    return {
      height,
      update(count) {
        length = Math.min(count, MOST)
        space.style.height = `${length * height}px`
        list.style.height = `${Math.max(length, 1) * height + 2}px`
        rows.forEach(row => row.remove())
        rows.clear()
        from = to = -1
        draw()
      },
      scrollTo(index) {
        if (index * height < list.scrollTop) list.scrollTop = index * height
        else if ((index + 1) * height > list.scrollTop + list.clientHeight) list.scrollTop = (index + 1) * height - list.clientHeight
        draw()
      },
    }
  }

  // What happened.
  const all = report.counts
  const named = OUTCOMES.filter(outcome => all[outcome] && outcome !== 'planned')
  const isPlan = report.mode === 'dry-run'
  const headline = isPlan || !named.length ? count(all.planned, 'URL planned', 'URLs planned') : `${number(all.done)} of ${count(all.planned, 'URL', 'URLs')} done`
  const short = commit => commit ? commit.slice(0, 12) : '(empty)'
  document.title = `cdn-purge: ${headline}`
  const head = get('head')
  head.append(make('h1', {}, make('span', { className: `badge ${report.status}` }, report.status), headline, ...named.filter(outcome => outcome !== 'done').flatMap(outcome => [', ', make('b', { className: outcome }, `${number(all[outcome])} ${outcome}`)])))
  const facts = []
  if (report.head) facts.push(`${short(report.base)} → ${short(report.head)}`)
  if (report.changes_from !== 'urls') facts.push(count(report.changed_files, 'changed file', 'changed files'))
  if (report.config) facts.push(report.config)
  facts.push(report.started.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC'))
  if (!isPlan) facts.push(`${seconds(report.elapsed_seconds)}, ${count(report.calls, 'request', 'requests')}`)
  facts.push(report.mode === 'simulate' ? 'a simulation: nothing was sent' : isPlan ? 'a plan: nothing was sent' : report.program)
  head.append(make('p', { className: 'dim' }, facts.join(' · ')))
  if (report.range_reason) head.append(make('p', { className: 'dim' }, `Base: ${report.range_reason}`))
  const warn = text => head.append(make('p', { className: 'warning' }, text))
  if (report.purged_hosts?.length) warn(`PURGES EVERYTHING on ${report.purged_hosts.join(', ')}`)
  for (const target of report.targets) for (const stop of target.stops) warn(`${target.name}: ${stop.operation ? operationOf(stop) : 'everything'} stopped (${stop.cause}): ${stop.why}`)
  for (const note of report.notes) warn(note)

  // Each target's counts and quota.
  for (const { name, provider, operations } of report.targets) {
    const columns = isPlan ? ['planned'] : ['planned', 'done', 'failed', 'unsubmitted', 'unknown']
    const table = make('table', {}, make('tr', {}, ...['operation', ...columns, 'quota left'].map(title => make('th', { scope: 'col' }, title))))
    for (const operation of operations) {
      const { quota, counts } = operation
      const left = make('td', {})
      if (quota) {
        const now = quota.after ?? quota.before
        left.append(make('meter', { max: quota.limit, value: now, low: quota.limit / 10, title: `${number(now)} of ${number(quota.limit)}` }), `${quota.before === null ? '?' : number(quota.before)} → ${quota.after === null ? '?' : number(quota.after)} of ${number(quota.limit)}`)
      } else left.append('–')
      table.append(make('tr', {}, make('td', {}, operationOf(operation)), ...columns.map(column => make('td', {}, counts[column] ? make('b', { className: column === 'planned' ? '' : column }, number(counts[column])) : '0')), left))
    }
    get('targets').append(make('div', { className: 'card' }, make('h2', {}, name, ' ', make('span', { className: 'dim' }, provider)), table))
  }

  // When each batch was sent, accepted and finished.
  const batches = report.targets.flatMap(target => (target.batches || []).map(batch => ({ ...batch, target: target.name })))
  if (batches.length) {
    const section = get('timeline')
    section.hidden = false
    const whole = Math.max(report.elapsed_seconds, 0.001)
    const axis = make('span', { className: 'track' })
    for (let part = 0; part <= 4; part++) axis.append(make('b', {}, seconds(whole * part / 4)))
    axis.childNodes.forEach((tick, part) => { tick.style.left = `${part * 25}%` })
    section.querySelector('.axis').append(make('span', {}, 'target, batch'), axis)
    const bar = (track, className, from, to) => {
      const piece = make('i', { className })
      piece.style.left = `${from / whole * 100}%`
      piece.style.width = `${Math.max(to - from, 0) / whole * 100}%`
      track.append(piece)
    }
    show(section.querySelector('.list'), 26, index => {
      const batch = batches[index]
      const worst = OUTCOMES.find(outcome => batch.counts[outcome]) || 'planned'
      const accepted = batch.accepted ?? batch.finished ?? batch.sent
      const track = make('span', { className: 'track' })
      bar(track, `sending ${worst}`, batch.sent, accepted)
      if (batch.accepted !== null && batch.finished !== null) bar(track, worst, accepted, batch.finished)
      const parts = [`${batch.target} ${batch.number}: ${operationOf(batch)}, ${count(batch.counts.planned, 'URL', 'URLs')}`]
      if (batch.attempts > 1) parts.push(`attempt ${batch.attempts}`)
      const times = [`sent at ${seconds(batch.sent)}`, batch.accepted !== null && `accepted at ${seconds(batch.accepted)}`, batch.finished !== null && `finished at ${seconds(batch.finished)}`]
      const outcomes = OUTCOMES.filter(outcome => outcome !== 'planned' && batch.counts[outcome]).map(outcome => `${number(batch.counts[outcome])} ${outcome}`)
      const title = [...parts, ...times.filter(Boolean), ...outcomes, ...batch.task_ids].join(', ')
      const row = make('div', { title, role: 'listitem', ariaLabel: title }, make('span', {}, parts.join(', ')), track)
      return row
    }).update(batches.length)
  }

  // Every URL. A row is the places of URL, target, operation, outcome, task id, reason, then a rule and a file for each source.
  const rank = texts.map(text => OUTCOMES.indexOf(text))
  const byRank = OUTCOMES.map(() => [])
  urls.forEach((row, index) => (byRank[rank[row[3]]] || byRank.at(-1)).push(index))
  const order = byRank.flat()
  const words = []
  const wordsOf = index => words[index] ??= urls[index].map(place => texts[place]).join('\n').toLowerCase()
  const chosen = { outcomes: new Set(), operation: '', target: '', rule: '' }
  let shown = order, selected = -1
  const rowId = index => `url-${index}`
  const list = get('rows')
  const table = show(list, 32, index => {
    const [url, target, operation, outcome, , , , file] = urls[shown[index]].map(place => texts[place])
    const more = (urls[shown[index]].length - 8) / 2
    const cell = (text, className) => make('span', { className: className || '', title: text }, text)
    const row = make('div', { id: rowId(index), role: 'option' }, make('b', { className: outcome }, outcome), cell(url), cell(operation), cell(target), cell((file || '–') + (more > 0 ? ` and ${more} more` : ''), 'dim'))
    row.setAttribute('aria-selected', index === selected)
    row.onclick = () => select(index)
    return row
  })
  const select = index => {
    get(rowId(selected))?.setAttribute('aria-selected', false)
    selected = index
    const detail = get('detail')
    detail.hidden = index < 0
    detail.replaceChildren()
    if (index < 0) return list.removeAttribute('aria-activedescendant')
    table.scrollTo(index)
    get(rowId(index))?.setAttribute('aria-selected', true)
    list.setAttribute('aria-activedescendant', rowId(index))
    const [url, target, operation, outcome, id, reason, ...sources] = urls[shown[index]].map(place => texts[place])
    const facts = make('dl', {})
    const fact = (name, ...value) => facts.append(make('dt', {}, name), make('dd', {}, ...value))
    fact('URL', link(url))
    fact('outcome', make('b', { className: outcome }, outcome), reason && `: ${reason}`)
    fact('operation', `${operation} at ${target}`)
    if (id) fact('task id', id)
    for (let place = 0; place < sources.length; place += 2) fact(place ? '' : 'because of', sources[place + 1] ? `${sources[place + 1]} by rule ${sources[place]}` : sources[place])
    detail.append(facts)
  }
  const filter = () => {
    const search = get('search').value.trim().toLowerCase()
    const is = ({ outcomes, operation, target, rule }, index) => {
      const row = urls[index]
      return (!outcomes.size || outcomes.has(texts[row[3]])) && (!operation || texts[row[2]] === operation) && (!target || texts[row[1]] === target)
        && (!rule || row.some((place, column) => column > 5 && column % 2 === 0 && texts[place] === rule)) && (!search || wordsOf(index).includes(search))
    }
    shown = order.filter(index => is(chosen, index))
    select(-1)
    list.scrollTop = 0
    table.update(shown.length)
    get('count').textContent = (shown.length === urls.length ? '' : `${number(shown.length)} of `) + count(urls.length, 'URL', 'URLs') + (shown.length > MOST ? `, the first ${number(MOST)} are listed` : '')
  }
  const tally = column => urls.reduce((all, row) => all.set(texts[row[column]], (all.get(texts[row[column]]) || 0) + 1), new Map())
  const outcomes = tally(3)
  for (const outcome of OUTCOMES.filter(outcome => outcomes.has(outcome))) {
    const button = make('button', { type: 'button', ariaPressed: 'false' }, make('b', { className: outcome }, outcome), ` ${number(outcomes.get(outcome))}`)
    button.onclick = () => {
      const isNew = !chosen.outcomes.delete(outcome)
      if (isNew) chosen.outcomes.add(outcome)
      button.ariaPressed = String(isNew)
      filter()
    }
    get('outcomes').append(button)
  }
  const rules = new Map()
  for (const row of urls) {
    for (let column = 6; column < row.length; column += 2) {
      // A rule counts once for a URL, however many files it has.
      const isKnown = row.some((place, earlier) => earlier > 5 && earlier < column && earlier % 2 === 0 && place === row[column])
      if (!isKnown) rules.set(texts[row[column]], (rules.get(texts[row[column]]) || 0) + 1)
    }
  }
  for (const [name, values] of [['operation', tally(2)], ['target', tally(1)], ['rule', rules]]) {
    get(name).append(make('option', { value: '' }, 'all'), ...[...values].map(([value, some]) => make('option', { value }, `${value} (${number(some)})`)))
    get(name).onchange = event => { chosen[name] = event.target.value; filter() }
    get(name).parentElement.hidden = values.size < 2
  }
  get('search').oninput = filter
  document.querySelector('form').onsubmit = event => event.preventDefault()
  document.addEventListener('keydown', event => {
    const isTyping = event.target.matches('input, select')
    if (event.key === '/' && !isTyping) {
      event.preventDefault()
      get('search').focus()
    } else if (event.key === 'Escape') {
      get('search').value = ''
      filter()
    } else if (event.key === 'ArrowDown' && event.target === get('search')) {
      event.preventDefault()
      list.focus()
      select(Math.min(0, shown.length - 1))
    } else if (event.target === list && shown.length) {
      const page = Math.max(1, Math.floor(list.clientHeight / table.height) - 1)
      const last = Math.min(shown.length, MOST) - 1
      const to = { ArrowDown: selected + 1, ArrowUp: selected - 1, PageDown: selected + page, PageUp: selected - page, Home: 0, End: last }[event.key]
      if (to !== undefined) {
        event.preventDefault()
        select(Math.max(0, Math.min(last, to)))
      } else if (event.key === 'Enter') document.querySelector('#detail a')?.click()
    }
  })
  filter()

  // The files without a URL.
  if (report.skipped.length) {
    const section = get('skipped')
    section.hidden = false
    section.querySelector('h2').textContent = `${count(report.skipped.length, 'changed file', 'changed files')} not mapped to a URL`
    show(section.querySelector('.list'), 28, index => {
      const { file, why } = report.skipped[index]
      return make('div', { role: 'listitem' }, make('span', { title: file }, file), make('span', { className: 'dim', title: why }, why))
    }).update(report.skipped.length)
  }
}
