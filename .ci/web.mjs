// Plays a course's life through the pages, as a student with a phone and as one at a desk, with a script and without.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const web = process.env.WEB;
const shots = process.env.SCREENSHOTS;
const axe = readFileSync(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

function check(condition, what) {
  if (!condition) throw new Error(what);
}

/// One person's browser.
class Person {
  static async open(browser, role, size, options = {}) {
    const context = await browser.newContext({ viewport: sizes[size], baseURL: web, locale: 'en-GB', timezoneId: 'Europe/London', ...options });
    await context.addCookies([{ name: 'arthouse_role', value: role, url: web }]);
    const person = new Person();
    Object.assign(person, { context, size, script: options.javaScriptEnabled !== false, page: await context.newPage() });
    person.page.on('pageerror', (error) => { throw error; });
    person.page.on('console', (message) => {
      // A form that is refused is answered by 422, which browsers report as a failed load.
      if (message.type() === 'error' && !message.text().includes('422')) throw new Error(`${person.page.url()}: ${message.text()}`);
    });
    return person;
  }

  async go(path) {
    const response = await this.page.goto(path);
    check(response.ok(), `${path}: ${response.status()}`);
  }

  /// Presses a button or follows a link.
  async press(name) {
    const { page } = this;
    const target = page.getByRole('main').getByRole('button', { name, exact: true }).or(page.getByRole('main').getByRole('link', { name, exact: true }));
    await Promise.all([page.waitForLoadState(), target.first().click()]);
  }

  /// Waits for the outcome of what was sent, which the page shows by itself, and goes on.
  async done(text = 'The command was carried out') {
    await this.page.getByText(text).first().waitFor({ timeout: 30000 });
    await this.press('Continue');
  }

  /// Asks for a page until it has a text.
  async until(path, text) {
    for (let i = 0; i < 100; i += 1) {
      await this.go(path);
      if (await this.page.getByText(text).count()) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${path} has no ${text}`);
  }

  /// Keeps a picture, and looks for what is in the way of people who can't see or use a mouse.
  async look(name) {
    await this.page.screenshot({ path: join(shots, `${name}-${this.size}.png`), fullPage: true });
    const width = this.script ? await this.page.evaluate(() => document.documentElement.scrollWidth) : 0;
    check(width <= sizes[this.size].width, `${name} is ${width} wide on a ${this.size}`);
    if (!this.script) return;
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    for (const { id, help, nodes } of serious) console.error(`${name} on a ${this.size}: ${id}: ${help}`, nodes.map(({ html }) => html));
    check(serious.length === 0, `${name} has serious faults`);
    looked += 1;
  }
}

let looked = 0;
const day = 24 * 3600 * 1000;
const local = (date, time) => `${date.toISOString().slice(0, 10)}T${time}`;
const first = new Date(Date.now() + 7 * day);

async function createCourse(office, id, title) {
  const { page } = office;
  await office.go('/courses');
  await office.press('Create a course');
  await page.getByLabel('Short name').fill(id);
  await page.getByLabel('Title').fill(title);
  await page.getByLabel('Description').fill('Ten evenings at the easel: light, colour and a finished picture to take home.');
  await page.getByLabel('Price of the whole course').fill('240,00');
  await page.getByLabel('Number of sessions').fill('10');
  await page.getByLabel('First session').fill(local(first, '18:30'));
  await page.getByLabel('How it is paid').fill('card');
  await office.press('Create');
  // What is wrong is told beside the field, and what was typed is kept.
  await page.getByText('must be an amount with at most 2 decimals').waitFor();
  check(await page.getByLabel('Title').inputValue() === title, 'the title is gone');
  await office.look(`${id}-refused`);
  // The dates have been seen with the refusal; for other dates, they are shown anew.
  await page.getByLabel('Price of the whole course').fill('240.00');
  await page.getByLabel('Number of sessions').fill('11');
  await office.press('Send: Create');
  await page.locator('.dates li').nth(10).waitFor();
  await page.getByLabel('Number of sessions').fill('10');
  await office.press('Show the dates again');
  await page.getByRole('heading', { name: 'The dates' }).waitFor();
  check(await page.locator('.dates li').count() === 10, 'ten dates');
  await office.look(`${id}-dates`);
  await office.press('Send: Create');
  await office.done();
  await page.getByRole('link', { name: title }).waitFor();
}

async function live(browser, office, course, title, user, size, options) {
  const student = await Person.open(browser, `student:${user}`, size, options);
  const { page } = student;
  await student.go('/courses');
  await student.look('courses');
  await page.getByRole('link', { name: title }).click();
  await student.look('course');
  await student.press('Apply');
  await page.getByLabel('Name', { exact: true }).last().fill('Ada Byron');
  await page.getByLabel('Email address').fill(`${user}@private.example`);
  await student.press('Apply');
  await student.done();
  await page.getByText('waiting for the payment').first().waitFor();

  await office.until('/office', user);
  await office.look('office');
  const card = office.page.locator('.card', { hasText: `${user}@private.example` });
  await Promise.all([office.page.waitForLoadState(), card.getByRole('link', { name: 'Confirm payment' }).click()]);
  await office.page.getByLabel('Reference').fill(`bank-${user}`);
  await office.press('Confirm payment');
  await office.done();

  await student.until(`/my/courses/${course}`, 'Timetable');
  const rows = page.locator('.sessions > li');
  check(await rows.count() === 10, 'ten sessions');
  await Promise.all([page.waitForLoadState(), rows.nth(1).getByRole('link', { name: 'Skip' }).click()]);
  await student.press('Skip');
  await student.done();
  await Promise.all([page.waitForLoadState(), rows.nth(2).getByRole('link', { name: 'Move' }).click()]);
  await page.getByLabel('New date and time').fill(local(new Date(Date.now() + 200 * day), '10:00'));
  await student.press('Move');
  await student.done();

  const teacher = await Person.open(browser, 'instructor:tom', size, options);
  await teacher.go(`/teaching/${course}?week=${first.toISOString().slice(0, 10)}`);
  await teacher.look('roll-call');
  await teacher.page.getByRole('group', { name: user }).getByRole('radio', { name: 'attended' }).check();
  await teacher.press('Save the roll call');
  await teacher.done();
  await teacher.context.close();

  await student.until(`/my/courses/${course}`, 'Statement');
  await student.until(`/my/courses/${course}`, 'for');
  await page.getByText('1 attended, 1 skipped').waitFor();
  await student.look('progress');
  await student.go('/my');
  await student.look('my-courses');
  const link = await page.getByLabel('The link').inputValue();
  const feed = await fetch(new URL(link, web));
  const text = await feed.text();
  check(feed.ok && text.split('BEGIN:VEVENT').length === 11, `the feed of ${user}`);
  await student.context.close();
}

/// Goes to the form by the keyboard alone.
async function withKeys(browser) {
  const person = await Person.open(browser, 'student:keys', 'desktop');
  await person.go('/courses');
  await person.page.keyboard.press('Tab');
  const skip = person.page.getByRole('link', { name: 'Skip to the content' });
  check(await skip.evaluate((link) => link === document.activeElement), 'the first stop skips to the content');
  await person.page.keyboard.press('Enter');
  await person.page.keyboard.press('Tab');
  await person.page.keyboard.press('Enter');
  await person.page.waitForURL('**/courses/*');
  await person.context.close();
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const office = await Person.open(browser, 'admin:office', 'desktop');
  await createCourse(office, 'oils', 'Oil painting for the evening');
  await live(browser, office, 'oils', 'Oil painting for the evening', 'desk', 'desktop');
  await live(browser, office, 'oils', 'Oil painting for the evening', 'phone', 'phone');
  await live(browser, office, 'oils', 'Oil painting for the evening', 'plain', 'phone', { javaScriptEnabled: false });
  await withKeys(browser);
  const late = await Person.open(browser, 'student:late', 'desktop');
  await late.go('/do/course.apply?course_id=oils&back=/my/courses/oils');
  await late.page.getByLabel('Name', { exact: true }).last().fill('Late Student');
  await late.page.getByLabel('Email address').fill('late@private.example');
  await late.press('Apply');
  await late.done();
  await office.until('/office', 'late');
  await office.look('office');
  for (const path of ['/operations', '/office/students', '/office/students/desk', '/office/students/desk/courses/oils', '/teaching']) {
    await office.go(path);
    await office.look(path.slice(1).replaceAll('/', '-'));
  }
  const dark = await Person.open(browser, 'student:desk', 'desktop', { colorScheme: 'dark' });
  await dark.go('/my/courses/oils');
  await dark.look('dark-progress');
  const small = await Person.open(browser, 'admin:office', 'phone', { colorScheme: 'dark' });
  for (const path of ['/office', '/operations', '/do/course.create', '/office/students/desk/courses/oils']) {
    await small.go(path);
    await small.look(`dark-${path.slice(1).replaceAll('/', '-')}`);
  }
  // As `infra/pictures` has them.
  for (const [role, path, name] of [['student:desk', '/my/courses/oils', 'student'], ['admin:office', '/office', 'office']]) {
    const person = await Person.open(browser, role, 'desktop');
    await person.page.setViewportSize({ width: 900, height: 670 });
    await person.go(path);
    await person.page.screenshot({ path: join(shots, `picture-${name}.png`) });
  }
} finally {
  await browser.close();
}
console.log(`a course's life was played three times; ${looked} pages have no serious fault`);
