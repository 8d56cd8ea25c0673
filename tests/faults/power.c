/* Remembers what of flowrun's database a power cut would leave: after each fsync or fdatasync of the file or its WAL a
   copy beside it, `<name>.synced`, is what has reached the disk. Preloaded into the process by test_power_cut.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void keep(int fd)
{
    char link[64], path[4096], copy[4200], part[4210], block[65536];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    if (!name || (strcmp(name, "/flowrun.db") && strcmp(name, "/flowrun.db-wal")))
        return;
    snprintf(copy, sizeof copy, "%s.synced", path);
    snprintf(part, sizeof part, "%s.part", copy);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0)
        _exit(99);
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, block, sizeof block, at)) > 0) {
        if (write(out, block, got) != got)
            _exit(99);
        at += got;
    }
    close(out);
    rename(part, copy);
}

int fsync(int fd)
{
    int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
    int result = next(fd);
    if (result == 0)
        keep(fd);
    return result;
}

int fdatasync(int fd)
{
    int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
    int result = next(fd);
    if (result == 0)
        keep(fd);
    return result;
}
