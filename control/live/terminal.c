/* SPDX-License-Identifier: BSD-3-Clause */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* The other screen, no cursor, no wrapping; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct {
	struct termios before;
	int signals;
	bool taken;
} terminal = {.signals = -1};

static void say(const char *text)
{
	size_t left = strlen(text);

	fflush(stdout);
	while (left) {
		ssize_t n = write(STDOUT_FILENO, text, left);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
}

static int enter(void)
{
	struct termios raw = terminal.before;

	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay signals */
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	say(ENTER);
	return 0;
}

static void leave(void)
{
	say(LEAVE);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.before);
}

int to_terminal_take(void)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
	sigset_t set;
	int err;

	if (tcgetattr(STDIN_FILENO, &terminal.before) < 0 || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	terminal.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal.signals < 0)
		return -errno;
	if (atexit(to_terminal_give_back))
		return -ENOMEM;
	err = enter();
	terminal.taken = err == 0;
	return err;
}

void to_terminal_give_back(void)
{
	if (terminal.taken)
		leave();
	terminal.taken = false;
}

/* As if the signal had never been taken from it: gives the terminal back, stops, goes on. */
static void stop(void)
{
	sigset_t set;

	leave();
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL); /* stops here */
	sigprocmask(SIG_BLOCK, &set, NULL);
	enter();
}

static enum to_terminal_event take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(terminal.signals, &info, sizeof(info)) != sizeof(info))
		return TO_TERMINAL_TIME;
	if (info.ssi_signo == SIGWINCH)
		return TO_TERMINAL_RESIZED;
	if (info.ssi_signo != SIGTSTP)
		return TO_TERMINAL_END;
	stop();
	return TO_TERMINAL_RESIZED;
}

enum to_terminal_event to_terminal_wait(int ms, char *key)
{
	struct pollfd fds[] = {{.fd = terminal.signals, .events = POLLIN},
			       {.fd = STDIN_FILENO, .events = POLLIN}};

	if (poll(fds, 2, ms) <= 0)
		return TO_TERMINAL_TIME;
	if (fds[0].revents)
		return take_signal();
	if (read(STDIN_FILENO, key, 1) == 1)
		return TO_TERMINAL_KEY;
	return TO_TERMINAL_END; /* the terminal is gone */
}

void to_terminal_size(unsigned *rows, unsigned *columns)
{
	struct winsize ws = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	*rows = ws.ws_row ? ws.ws_row : 24;
	*columns = ws.ws_col ? ws.ws_col : 80;
}
