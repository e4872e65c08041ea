import { assertEquals } from "@std/assert";
import { nextFile, type Scheduled } from "./schedule.ts";

const guests = (seconds: number, cpu: number): Scheduled => ({
  cost: { seconds, cpu },
  hasGuests: true,
});
const unit = (seconds: number, cpu = seconds): Scheduled => ({
  cost: { seconds, cpu },
  hasGuests: false,
});

Deno.test("the file that takes longest runs next", () => {
  const waiting = [guests(30, 20), unit(50), guests(90, 60), unit(90)];
  assertEquals(nextFile(waiting, [], 2), 2);
  assertEquals(nextFile(waiting, [guests(100, 100)], 2), 2);
  assertEquals(nextFile([], [], 2), -1);
});

Deno.test("one file more than there are cores runs", () => {
  const running = [unit(1), guests(1, 1)];
  assertEquals(nextFile([unit(1)], running, 2), 0);
  assertEquals(nextFile([unit(1)], [...running, unit(1)], 2), -1);
  assertEquals(nextFile([unit(1)], [...running, unit(1)], 3), 0);
  assertEquals(nextFile([unit(1)], [unit(1)], 1), 0);
  assertEquals(nextFile([unit(1)], running, 1), -1);
});

Deno.test("one file more with guests runs where the cores have room for it", () => {
  const running = [guests(100, 70), guests(100, 80)];
  const [busy, idle, none] = [guests(90, 60), guests(60, 30), guests(0, 0)];
  assertEquals(nextFile([busy, idle, none], running, 2), 1);
  assertEquals(nextFile([none], running, 2), 0);
  assertEquals(nextFile([busy], running, 2), -1);
  assertEquals(nextFile([busy, unit(5)], running, 2), 1);
  assertEquals(nextFile([busy], [guests(100, 70), unit(5)], 2), 0);
  assertEquals(nextFile([busy], running, 3), 0);
});
